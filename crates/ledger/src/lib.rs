//! The tamper-evident log: leaves, tree, checkpoints, verification.

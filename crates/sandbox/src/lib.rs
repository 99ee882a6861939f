//! Reference national backends and a demonstration PKI.

//! Legal rules from files to decisions.

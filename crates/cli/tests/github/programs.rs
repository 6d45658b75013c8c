//! The programs, as people and CI jobs use them.

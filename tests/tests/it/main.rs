//! End-to-end tests on the real binaries; the folders mirror the resources and the programs.

//! Tests that run the program.

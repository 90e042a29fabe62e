//! The binary: hands the real environment to the command line.
fn main() {}

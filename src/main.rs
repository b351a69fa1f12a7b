//! The `bedrock-top` program.

fn main() {}

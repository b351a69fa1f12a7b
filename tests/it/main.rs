//! The one integration binary: everything that opens sockets, terminals or the real program.
//! (Each further integration binary would link every SDK again.)

use libtest_mimic::{Arguments, Trial};

mod console;
mod edge;
mod engine;
mod pty;
mod terminal;
mod wire;
mod wire_raw;

fn main() {
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(console::trials());
    trials.extend(edge::trials());
    trials.extend(engine::trials());
    trials.extend(terminal::trials());
    trials.extend(wire::trials());
    trials.extend(wire_raw::trials());
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

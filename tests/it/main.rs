//! The one integration binary: everything that opens sockets, terminals or the real program.
//! (Each further integration binary would link every SDK again.)

// A trial that cannot go on has failed: here a panic is the way to say so.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use libtest_mimic::{Arguments, Trial};

mod account;
mod architecture;
mod batch;
mod cloudwatch;
mod console;
mod edge;
mod engine;
mod pty;
mod real_input;
mod run;
mod s3;
mod terminal;
mod wire;
mod wire_raw;

fn main() {
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(console::trials());
    trials.extend(account::trials());
    trials.extend(architecture::trials());
    trials.extend(batch::trials());
    trials.extend(cloudwatch::trials());
    trials.extend(edge::trials());
    trials.extend(engine::trials());
    trials.extend(real_input::trials());
    trials.extend(run::trials());
    trials.extend(s3::trials());
    trials.extend(terminal::trials());
    trials.extend(wire::trials());
    trials.extend(wire_raw::trials());
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

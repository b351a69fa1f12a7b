//! The one integration binary: everything that opens sockets, terminals or the real program.
//! (Each further integration binary would link every SDK again.)

use libtest_mimic::{Arguments, Trial};

mod pty;
mod terminal;

fn main() {
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(terminal::trials());
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

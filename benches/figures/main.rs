//! The figures of the product, measured: `cargo bench`, or `cargo bench -- limiter` for some of them.
//!
//! Each figure is measured beside its yardstick in the same run (a bare SDK loop, the pacer alone), several times, and
//! given as the median: a busy machine slows both. Nothing here is asserted; the README says what was seen.

mod arrivals;
mod client;
mod limiter;
mod measure;
mod simulator;
mod validation;

use measure::Row;

/// A group of figures: its name for the filter, and what measures it.
type Group = (&'static str, fn() -> std::io::Result<Vec<Row>>);

const GROUPS: [Group; 4] = [
    ("limiter", limiter::measure),
    ("validation", validation::measure),
    ("arrivals", arrivals::measure),
    ("client", client::measure),
];

fn main() -> std::io::Result<()> {
    let filters: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let cores = std::thread::available_parallelism()?;
    println!("{cores} cores, load average {}", measure::load_average());
    for (name, measured) in GROUPS.iter().filter(|(name, _)| wanted(name)) {
        println!("\n{name}");
        for row in measured()? {
            println!("  {row}");
        }
    }
    Ok(())
}

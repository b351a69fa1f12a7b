//! Regions that go down and come back, scopes that are parked, attempts that are abandoned.
use libtest_mimic::Trial;
pub fn trials() -> Vec<Trial> {
    Vec::new()
}

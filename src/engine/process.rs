//! CPU and memory of this process, so that a client that cannot keep up is seen. Linux only; elsewhere unknown.

use std::fs;

use crate::record::Micros;

/// Kernel ticks per second as /proc reports them: fixed at 100 for user space on Linux.
const TICKS: f64 = 100.0;
const PAGE: u64 = 4_096;

/// What was read last.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessView {
    /// Share of one core since the last reading.
    pub cpu: Option<f64>,
    /// Resident memory, bytes.
    pub resident: Option<u64>,
}

/// Reads /proc/self once a second.
#[derive(Debug, Default)]
pub struct ProcessMeter {
    last: Option<(Micros, f64)>,
}

impl ProcessMeter {
    /// CPU since the last call and memory now.
    pub fn read(&mut self, now: Micros) -> ProcessView {
        let used = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_seconds(&stat));
        let cpu = match (self.last, used) {
            (Some((at, before)), Some(used)) if now > at => Some((used - before) / now.since(at).secs_f64()),
            _ => None,
        };
        self.last = used.map(|used| (now, used));
        let resident = fs::read_to_string("/proc/self/statm")
            .ok()
            .and_then(|statm| statm.split_whitespace().nth(1)?.parse::<u64>().ok())
            .map(|pages| pages * PAGE);
        ProcessView { cpu, resident }
    }
}

/// User and system time, seconds; the command's name may hold spaces and parentheses, so fields count from the last one.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "42 (a) b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 100 1000 10";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("nonsense"), None);
    }
}

//! What is read from the system, and how a figure is written.

use std::fmt;
use std::fs;
use std::time::Duration;

/// Kernel ticks per second as /proc reports them: fixed at 100 for user space on Linux.
const TICK: Duration = Duration::from_millis(10);

/// One line of the table.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What came out, with its unit.
    pub value: String,
    /// What is to be reached; empty for a yardstick.
    pub goal: &'static str,
}

impl Row {
    pub fn new(what: impl Into<String>, value: impl Into<String>, goal: &'static str) -> Row {
        Row { what: what.into(), value: value.into(), goal }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<64} {:>14}", self.what, self.value)?;
        if self.goal.is_empty() { Ok(()) } else { write!(f, "   (goal {})", self.goal) }
    }
}

/// The middle value; of an even number the lower one of the two.
pub fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// User and system time of this process, all its threads, those that have ended included.
pub fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the name in parentheses, which may itself contain anything.
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let mut fields = after_name.split_whitespace().skip(11).map(|field| field.parse::<u32>().unwrap_or(0));
    TICK * (fields.next().unwrap_or(0) + fields.next().unwrap_or(0))
}

/// A row of `/proc/PID/status`, in bytes.
pub fn memory(process: &str, row: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kb| kb * 1_024)
}

/// How busy the machine is besides.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_string()
}

//! Numbers in words, always with their unit.

use crate::record::{Micros, Usd};

/// `1,234,567`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `$0.0042`, `$12.34`, `$1,234`.
#[must_use]
pub fn money(value: Usd) -> String {
    let dollars = value.dollars();
    let size = dollars.abs();
    if size >= 1_000.0 {
        format!("${}", count(dollars.round() as u64))
    } else if size >= 1.0 || size == 0.0 {
        format!("${dollars:.2}")
    } else {
        format!("${dollars:.4}")
    }
}

/// `97.3 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `850 ms`, `4.2 s`, `12m 05s`, `3h 20m`.
#[must_use]
pub fn span(value: Micros) -> String {
    let seconds = value.secs_f64();
    let whole = seconds.round() as u64;
    if seconds < 1.0 {
        format!("{:.0} ms", value.millis_f64())
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if seconds < 3_600.0 {
        format!("{}m {:02}s", whole / 60, whole % 60)
    } else if seconds < 172_800.0 {
        format!("{}h {:02}m", whole / 3_600, whole / 60 % 60)
    } else {
        format!("{} days", whole / 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(money(Usd::from_dollars(0.0042)), "$0.0042");
        assert_eq!(money(Usd::from_dollars(12.345)), "$12.35");
        assert_eq!(money(Usd::ZERO), "$0.00");
        assert_eq!(span(Micros::from_millis(850)), "850 ms");
        assert_eq!(span(Micros::from_secs(725)), "12m 05s");
        assert_eq!(span(Micros::from_secs(12_000)), "3h 20m");
    }
}

//! Numbers, times and foreign text as they appear on the screen. Widths are bounded, so that a column of numbers does
//! not jump and a frame changes few cells.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::glyphs::Glyphs;
use crate::record::{Micros, Usd};

/// What is shown where there is no value: fits every glyph level.
pub const NONE: &str = "-";

/// A count or rate with three significant digits and an SI prefix: `0`, `7`, `12.3`, `999`, `1.23k`, `12.3k`, `123k`,
/// `1.20M`. At most five characters up to 999T, six with a sign. Whole numbers below 1000 carry no point.
#[must_use]
pub fn si(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let mut size = value.abs();
    if size < 999.5 {
        let digits = if size == size.round() || size >= 99.95 {
            0
        } else if size >= 9.995 {
            1
        } else {
            2
        };
        let text = format!("{size:.digits$}");
        // "-0" and "0.00" say nothing that "0" does not.
        return if text.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
            "0".to_owned()
        } else {
            format!("{sign}{text}")
        };
    }
    for prefix in ["k", "M", "G", "T"] {
        size /= 1000.0;
        if size < 999.5 {
            return format!("{sign}{}{prefix}", three_digits(size));
        }
    }
    format!("{sign}>1P")
}

fn three_digits(size: f64) -> String {
    if size < 9.995 {
        format!("{size:.2}")
    } else if size < 99.95 {
        format!("{size:.1}")
    } else {
        format!("{size:.0}")
    }
}

/// [`si`] of a whole count.
#[must_use]
pub fn count(value: u64) -> String {
    si(value as f64)
}

/// A whole count with thousands separated: `1,234,567`. For places where every digit matters.
#[must_use]
pub fn exact(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in binary steps: `512 B`, `1.50 KiB`, `12.3 MiB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    let mut size = value as f64;
    if size < 1024.0 {
        return format!("{value} B");
    }
    for unit in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        size /= 1024.0;
        if size < 1000.0 {
            return format!("{} {unit}", three_digits(size));
        }
    }
    format!("{} EiB", three_digits(size / 1024.0))
}

/// A latency: `850us`, `12.3ms`, `999ms`, `1.23s`, `75.0s`, then as [`span`]. At most six characters.
#[must_use]
pub fn latency(span_: Micros) -> String {
    let us = span_.0 as f64;
    if us < 999.5 {
        format!("{us:.0}us")
    } else if us < 999_500.0 {
        format!("{}ms", three_digits(us / 1e3))
    } else if us < 99.95e6 {
        format!("{}s", three_digits(us / 1e6))
    } else {
        span(span_)
    }
}

/// A longer time, the two largest units: `0s`, `45s`, `2m05s`, `3h07m`, `2d04h`, `400d`. At most six characters up to
/// 99 days. Rounded down: a countdown never shows time that is not there.
#[must_use]
pub fn span(span: Micros) -> String {
    let s = span.0 / 1_000_000;
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m{:02}s", s / 60, s % 60),
        3_600..86_400 => format!("{}h{:02}m", s / 3_600, s / 60 % 60),
        86_400..8_640_000 => format!("{}d{:02}h", s / 86_400, s / 3_600 % 24),
        _ => format!("{}d", (s / 86_400).min(99_999)),
    }
}

/// [`span`] of a value that may not be known.
#[must_use]
pub fn maybe_span(value: Option<Micros>) -> String {
    value.map_or_else(|| NONE.to_owned(), span)
}

/// [`latency`] of a value that may not be known.
#[must_use]
pub fn maybe_latency(value: Option<Micros>) -> String {
    value.map_or_else(|| NONE.to_owned(), latency)
}

/// How old something is: `now` below two seconds, else as [`span`] with ` ago`.
#[must_use]
pub fn age(age: Micros) -> String {
    if age.0 < 2_000_000 { "now".to_owned() } else { format!("{} ago", span(age)) }
}

/// Money: `$0`, `$0.000012`, `$0.0123`, `$12.34`, `$1.23k`. Small amounts keep two significant digits: a single token
/// must not look free.
#[must_use]
pub fn money(value: Usd) -> String {
    let dollars = value.dollars();
    let sign = if dollars < 0.0 { "-" } else { "" };
    let size = dollars.abs();
    let text = if size == 0.0 {
        "0".to_owned()
    } else if size < 0.000_001 {
        return format!("{sign}<$0.000001");
    } else if size < 0.0001 {
        format!("{size:.6}")
    } else if size < 0.995 {
        format!("{size:.4}")
    } else if size < 999.995 {
        format!("{size:.2}")
    } else {
        si(size)
    };
    format!("{sign}${text}")
}

/// [`money`] of a price that may not be known: `unknown`, never 0.
#[must_use]
pub fn maybe_money(value: Option<Usd>) -> String {
    value.map_or_else(|| "unknown".to_owned(), money)
}

/// A share of 0 to 1 as a percentage: `0%`, `0.4%`, `99.9%`, `100%`. Neither 0 nor 100 is shown for what is not quite
/// it: 99.97 % success is not success.
#[must_use]
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NONE.to_owned();
    }
    let p = share * 100.0;
    let near = |edge: f64| p != edge && (p - edge).abs() < 0.05;
    if near(0.0) {
        return if p > 0.0 { "<0.1%".to_owned() } else { ">-0.1%".to_owned() };
    }
    if near(100.0) {
        return if p < 100.0 { "99.9%".to_owned() } else { "100.1%".to_owned() };
    }
    if p == 0.0 || p == 100.0 || p.abs() >= 99.95 { format!("{p:.0}%") } else { format!("{p:.1}%") }
}

/// [`percent`] of a share that may not be known.
#[must_use]
pub fn maybe_percent(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), percent)
}

/// Time of day, UTC, of milliseconds since 1970: `04:17:09`.
#[must_use]
pub fn utc_time(utc_ms: i64) -> String {
    let s = utc_ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Date and time, UTC, of milliseconds since 1970: `2026-01-31 04:17:09`.
#[must_use]
pub fn utc_date_time(utc_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(utc_ms) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => NONE.to_owned(),
    }
}

/// Width in terminal cells.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Foreign text made safe to show: control characters as `^X` or `\u{..}`, marks that change the direction of
/// writing or are invisible as `\u{..}`. Nothing that a model or a service says can move the cursor, change colours or
/// make a line read differently from what it is.
#[must_use]
pub fn sanitise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\u{0}'..='\u{1f}' => {
                out.push('^');
                out.push(char::from(c as u8 + b'@'));
            }
            '\u{7f}' => out.push_str("^?"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Arabic letter mark; zero-width space to right-to-left mark; line and paragraph separators;
            // embeddings and overrides; word joiner to isolates; interlinear annotations; byte order mark; tags.
            '\u{61c}' | '\u{200b}'..='\u{200c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Cut to `cells`, the cut shown by an ellipsis. Never longer than `cells`.
#[must_use]
pub fn truncate<'a>(text: &'a str, cells: usize, glyphs: &Glyphs) -> Cow<'a, str> {
    if text.width() <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::with_capacity(cells + glyphs.ellipsis.len());
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > cells - 1 {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push_str(glyphs.ellipsis);
    Cow::Owned(out)
}

/// As [`truncate`], but the middle is left out: for ARNs and paths, whose ends tell them apart.
#[must_use]
pub fn truncate_middle<'a>(text: &'a str, cells: usize, glyphs: &Glyphs) -> Cow<'a, str> {
    if text.width() <= cells || cells < 5 {
        return truncate(text, cells, glyphs);
    }
    let tail_cells = (cells - 1) / 2;
    let mut tail = Vec::new();
    let mut used = 0;
    for c in text.chars().rev() {
        let w = c.width().unwrap_or(0);
        if used + w > tail_cells {
            break;
        }
        used += w;
        tail.push(c);
    }
    let mut out = truncate(text, cells - used, glyphs).into_owned();
    out.extend(tail.iter().rev());
    Cow::Owned(out)
}

/// Exactly `cells` wide: cut, or filled with spaces on the right.
#[must_use]
pub fn left(text: &str, cells: usize, glyphs: &Glyphs) -> String {
    let mut out = truncate(text, cells, glyphs).into_owned();
    out.extend(std::iter::repeat_n(' ', cells.saturating_sub(out.width())));
    out
}

/// Exactly `cells` wide: cut, or filled with spaces on the left.
#[must_use]
pub fn right(text: &str, cells: usize, glyphs: &Glyphs) -> String {
    let cut = truncate(text, cells, glyphs);
    let mut out: String = std::iter::repeat_n(' ', cells.saturating_sub(cut.width())).collect();
    out.push_str(&cut);
    out
}

/// Words broken into lines of at most `cells`; words longer than a line are cut through. Line ends in the text are
/// kept. No cells, no lines.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    if cells == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let w = word.width();
            if used > 0 && used + 1 + w <= cells {
                line.push(' ');
                used += 1;
            } else if used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            for c in word.chars() {
                let w = c.width().unwrap_or(0);
                if used + w > cells && used > 0 {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += w;
            }
        }
        lines.push(line);
    }
    lines
}

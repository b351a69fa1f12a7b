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
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
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

/// As [`span`], for sentences and countdowns of days: `6 d 4 h`, `4 h 12 min`, `12 min 5 s`, `45 s`. Rounded down.
#[must_use]
pub fn long_span(span: Micros) -> String {
    let s = span.0 / 1_000_000;
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min {} s", s / 60, s % 60),
        3_600..86_400 => format!("{} h {} min", s / 3_600, s / 60 % 60),
        86_400..8_640_000 => format!("{} d {} h", s / 86_400, s / 3_600 % 24),
        _ => format!("{} d", (s / 86_400).min(99_999)),
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

/// How old something is: `now` below two seconds, else as [`span`] with ` ago`. From ten seconds on in steps of five,
/// from a minute on in minutes: what grows by itself should not be drawn each second.
#[must_use]
pub fn age(age: Micros) -> String {
    let step = match age.0 / 1_000_000 {
        0..2 => return "now".to_owned(),
        2..10 => 1,
        10..60 => 5,
        seconds @ 60..3_600 => return format!("{}m ago", seconds / 60),
        _ => 60,
    };
    let seconds = age.0 / 1_000_000;
    format!("{} ago", span(Micros::from_secs(seconds - seconds % step)))
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

/// Money to the cent: `$32,120.00`. For what is paid in the end.
#[must_use]
pub fn dollars(value: Usd) -> String {
    let cents = value.0.unsigned_abs().saturating_add(5_000_000_000) / 10_000_000_000;
    let sign = if value < Usd::ZERO && cents > 0 { "-" } else { "" };
    format!("{sign}${}.{:02}", exact(cents / 100), cents % 100)
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

/// The beginning of `text` that fits into `cells`.
#[must_use]
pub fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > cells
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// Cut to `cells`, the cut shown by an ellipsis. Never longer than `cells`.
#[must_use]
pub fn truncate<'a>(text: &'a str, cells: usize, glyphs: &Glyphs) -> Cow<'a, str> {
    if text.width() <= cells {
        return Cow::Borrowed(text);
    }
    match cells {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!("{}{}", head(text, cells - 1), glyphs.ellipsis)),
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::console::term::GlyphLevel;

    const MS: u64 = 1_000;
    const S: u64 = 1_000_000;

    #[test]
    fn counts_have_three_digits_and_a_prefix() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.004, "0"),
            (0.25, "0.25"),
            (7.0, "7"),
            (9.996, "10.0"),
            (12.34, "12.3"),
            (99.96, "100"),
            (999.0, "999"),
            (999.6, "1.00k"),
            (1_000.0, "1.00k"),
            (12_345.0, "12.3k"),
            (99_960.0, "100k"),
            (123_456.0, "123k"),
            (999_600.0, "1.00M"),
            (1_200_000.0, "1.20M"),
            (7e8, "700M"),
            (2.5e12, "2.50T"),
            (1e18, ">1P"),
            (-1_500.0, "-1.50k"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(si(value), expected, "{value}");
        }
        assert_eq!(exact(0), "0");
        assert_eq!(exact(1_234_567), "1,234,567");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.50 KiB");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn times_are_short_and_never_flatter() {
        for (us, expected) in [
            (850, "850us"),
            (12_340, "12.3ms"),
            (999_400, "999ms"),
            (1_230 * MS, "1.23s"),
            (75 * S, "75.0s"),
            (125 * S, "2m05s"),
        ] {
            assert_eq!(latency(Micros(us)), expected);
        }
        for (us, expected) in [
            (0, "0s"),
            (999_999, "0s"),
            (45 * S, "45s"),
            (3_599 * S + 999_999, "59m59s"),
            (11_220 * S, "3h07m"),
            (187_200 * S, "2d04h"),
            (u64::MAX, "99999d"),
        ] {
            assert_eq!(span(Micros(us)), expected);
        }
        for (s, expected) in [
            (45, "45 s"),
            (725, "12 min 5 s"),
            (15_120, "4 h 12 min"),
            (6 * 86_400 + 4 * 3_600 + 3_599, "6 d 4 h"),
            (u64::MAX / S, "99999 d"),
        ] {
            assert_eq!(long_span(Micros(s * S)), expected);
        }
        assert_eq!(dollars(Usd::from_dollars(32_120.0)), "$32,120.00");
        assert_eq!(dollars(Usd::from_dollars(-0.996)), "-$1.00");
        assert_eq!(dollars(Usd::from_dollars(-0.001)), "$0.00");
        assert_eq!(age(Micros(S)), "now");
        assert_eq!(age(Micros(9 * S)), "9s ago");
        assert_eq!(age(Micros(14 * S)), "10s ago");
        assert_eq!(age(Micros(90 * S)), "1m ago");
        assert_eq!(age(Micros(7_290 * S)), "2h01m ago");
        assert_eq!(maybe_span(None), NONE);
        assert_eq!(maybe_latency(Some(Micros(5))), "5us");
    }

    #[test]
    fn money_is_never_free_unless_it_is() {
        for (dollars, expected) in [
            (0.0, "$0"),
            (8.75e-9, "<$0.000001"),
            (0.000_012, "$0.000012"),
            (0.0123, "$0.0123"),
            (0.9951, "$1.00"),
            (12.34, "$12.34"),
            (1_234.0, "$1.23k"),
            (-12.34, "-$12.34"),
        ] {
            assert_eq!(money(Usd::from_dollars(dollars)), expected);
        }
        assert_eq!(maybe_money(None), "unknown");
    }

    #[test]
    fn percentages_do_not_round_to_certainty() {
        for (share, expected) in [
            (0.0, "0%"),
            (0.0003, "<0.1%"),
            (0.004, "0.4%"),
            (0.921, "92.1%"),
            (0.9997, "99.9%"),
            (1.0, "100%"),
            (1.0003, "100.1%"),
            (1.37, "137%"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(percent(share), expected, "{share}");
        }
    }

    #[test]
    fn clocks_are_utc() {
        assert_eq!(utc_time(0), "00:00:00");
        assert_eq!(utc_time(-1), "23:59:59");
        assert_eq!(utc_time(1_769_832_000_000), "04:00:00");
        assert_eq!(utc_date_time(1_769_832_000_000), "2026-01-31 04:00:00");
        assert_eq!(utc_date_time(i64::MAX), NONE);
    }

    #[test]
    fn foreign_text_cannot_act() {
        assert!(matches!(sanitise("plain text, 日本 👍🏽"), Cow::Borrowed(_)));
        assert_eq!(sanitise("a\u{1b}[2Jb\tc\nd\u{7f}"), "a^[[2Jb^Ic^Jd^?");
        assert_eq!(sanitise("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(sanitise("safe\u{202e}exe.txt"), "safe\\u{202e}exe.txt");
        assert_eq!(sanitise("zero\u{200b}width"), "zero\\u{200b}width");
        // Joiners are part of how people write.
        assert_eq!(sanitise("👩\u{200d}💻"), "👩\u{200d}💻");
    }

    #[test]
    fn cuts_are_shown() {
        let g = Glyphs::of(GlyphLevel::Braille);
        assert_eq!(truncate("short", 5, g), "short");
        assert_eq!(truncate("longer", 5, g), "long…");
        assert_eq!(truncate("日本語", 4, g), "日…");
        assert_eq!(truncate("x", 0, g), "");
        assert_eq!(truncate_middle("arn:aws:bedrock:us-east-1:1:foo", 13, g), "arn:aw…:1:foo");
        assert_eq!(left("ab", 4, g), "ab  ");
        assert_eq!(right("ab", 4, g), "  ab");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\n\nb", 3), ["a", "", "b"]);
    }

    proptest! {
        #[test]
        fn widths_are_bounded(value in -1e20f64..1e20, us in any::<u64>(), pico in any::<i64>()) {
            prop_assert!(si(value).len() <= 6);
            prop_assert!(latency(Micros(us)).len() <= 6);
            prop_assert!(span(Micros(us)).len() <= 6);
            prop_assert!(money(Usd(pico)).len() <= 11);
        }

        #[test]
        fn fitted_text_fits(text in any::<String>(), cells in 0usize..40) {
            let g = Glyphs::of(GlyphLevel::Braille);
            prop_assert!(truncate(&text, cells, g).width() <= cells);
            prop_assert!(truncate_middle(&text, cells, g).width() <= cells);
            let safe = sanitise(&text);
            prop_assert!(!safe.chars().any(is_unsafe));
            for line in wrap(&safe, cells) {
                prop_assert!(line.width() <= cells.max(2));
            }
        }
    }
}

//! Words from outside, made safe to show.

/// Longest foreign text kept.
const LONGEST: usize = 400;

/// Control characters and direction marks escaped, bounded in length: what a service or a file says must not move a
/// cursor or hide what follows.
#[must_use]
pub fn sanitise(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        if safe.len() >= LONGEST {
            safe.push_str("...");
            break;
        }
        let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || direction { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_and_nothing_is_endless() {
        assert_eq!(sanitise("a\u{1b}[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\u{a}c\\u{202e}");
        assert!(sanitise(&"x".repeat(10_000)).len() < 500);
    }
}

//! Words of others, made fit for one line of a terminal or a log.

/// Longest message kept, in bytes.
const LONGEST: usize = 400;

/// `text` on one line: control characters and characters that reorder or hide text are escaped, and what is longer
/// than 400 bytes ends in an ellipsis.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST + 8));
    for letter in text.trim().chars() {
        if line.len() >= LONGEST {
            line.push('…');
            break;
        }
        if letter.is_control() || reorders_or_hides(letter) {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

/// Bidirectional controls, zero-width characters and line separators: they make a line read as what it is not.
const fn reorders_or_hides(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The causes of `error`, outermost first, as one line without repetitions.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let words = cause.to_string();
        if !words.is_empty() && !line.contains(&words) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&words);
        }
        if line.len() >= LONGEST {
            break;
        }
        next = cause.source();
    }
    one_line(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_length_is_bounded() {
        assert_eq!(one_line("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
        let long = one_line(&"ä".repeat(10_000));
        assert!(long.len() <= LONGEST + 8, "{}", long.len());
        assert!(long.ends_with('…'));
        let escaped = one_line(&"\u{1b}".repeat(10_000));
        assert!(escaped.len() <= LONGEST + 12, "{}", escaped.len());
    }
}

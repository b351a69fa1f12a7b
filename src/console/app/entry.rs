//! A one-line field: what is typed, pasted and edited in it.

use tui_input::{Input, InputRequest};

use crate::console::keys::{Chord, Key};

use super::TuningRow;

/// The longest text a field takes, in characters: a paste may be anything.
pub const LONGEST: usize = 256;

/// What is being typed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What for.
    pub target: Target,
    /// The text and its cursor.
    pub input: Input,
    /// What is wrong with it, once it was submitted.
    pub error: Option<String>,
}

/// What a typed line is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The filter of the list on screen; the old filter comes back on Esc.
    Filter {
        /// The filter before.
        before: String,
    },
    /// A value of the tuning screen.
    Value(TuningRow),
}

/// Lets a field have a key. Returns whether the field took it.
pub fn type_key(input: &mut Input, chord: Chord) -> bool {
    let request = match chord {
        chord if chord.typed().is_some() => {
            if input.value().chars().count() >= LONGEST {
                return true;
            }
            InputRequest::InsertChar(chord.typed().unwrap_or(' '))
        }
        Chord { key: Key::Char('u'), ctrl: true, .. } => InputRequest::DeleteLine,
        Chord { key: Key::Char('w'), ctrl: true, .. } => InputRequest::DeletePrevWord,
        Chord { key: Key::Char('a'), ctrl: true, .. } => InputRequest::GoToStart,
        Chord { key: Key::Char('e'), ctrl: true, .. } => InputRequest::GoToEnd,
        Chord { ctrl: true, .. } | Chord { alt: true, .. } => return false,
        Chord { key: Key::Backspace, .. } => InputRequest::DeletePrevChar,
        Chord { key: Key::Delete, .. } => InputRequest::DeleteNextChar,
        Chord { key: Key::Left, .. } => InputRequest::GoToPrevChar,
        Chord { key: Key::Right, .. } => InputRequest::GoToNextChar,
        Chord { key: Key::Home, .. } => InputRequest::GoToStart,
        Chord { key: Key::End, .. } => InputRequest::GoToEnd,
        _ => return false,
    };
    input.handle(request);
    true
}

/// Puts pasted text into a field: one line, no control characters, cut at [`LONGEST`].
pub fn paste(input: &mut Input, text: &str) {
    let room = LONGEST.saturating_sub(input.value().chars().count());
    for c in text.chars().filter(|c| !c.is_control()).take(room) {
        input.handle(InputRequest::InsertChar(c));
    }
}

/// Reads a number as people type it: `1.5`, `80 %`, `100k`, `2M`, `1,000`, `$5`.
///
/// # Errors
/// One line that says what is expected.
pub fn number(text: &str) -> Result<f64, String> {
    let plain: String = text.trim().trim_start_matches('$').replace([',', '_', ' '], "");
    let plain = plain.trim_end_matches('%');
    let (digits, factor) = match plain.chars().last() {
        Some('k' | 'K') => (&plain[..plain.len() - 1], 1e3),
        Some('m' | 'M') => (&plain[..plain.len() - 1], 1e6),
        _ => (plain, 1.0),
    };
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value * factor),
        _ => Err(format!("`{}` is not a number (examples: 12, 1.5, 100k, 2M)", text.trim())),
    }
}

/// Reads a time as people type it, in seconds: `90s`, `45m`, `6h`, `2d`.
///
/// # Errors
/// One line that says what is expected.
pub fn duration(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{}` is not a time (examples: 45m, 6h, 2d)", text.trim());
    let plain = text.trim();
    let number = plain.trim_end_matches(char::is_alphabetic);
    let unit = match plain[number.len()..].to_lowercase().as_str() {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(wrong()),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 && value * unit <= 31_536_000.0 => Ok(value * unit),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        for (text, value) in
            [("12", 12.0), (" 1.5 ", 1.5), ("80 %", 80.0), ("100k", 1e5), ("2M", 2e6), ("1,000", 1e3), ("$5", 5.0)]
        {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in ["", "x", "1e400", "NaN", "k", "%", "1.2.3"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, seconds) in [("90s", 90.0), (" 45 m", 2_700.0), ("6H", 21_600.0), ("1.5d", 129_600.0)] {
            assert_eq!(duration(text), Ok(seconds), "{text}");
        }
        for text in ["", "6", "0h", "-1h", "soon", "1e9d", "h", "6 weeks"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_paste_is_one_line_without_control_characters_and_bounded() {
        let mut input = Input::default();
        paste(&mut input, "a\nb\x1b[31mc");
        assert_eq!(input.value(), "ab[31mc");
        paste(&mut input, &"x".repeat(10_000));
        assert_eq!(input.value().chars().count(), LONGEST);
        assert!(type_key(&mut input, Chord::char('y')));
        assert_eq!(input.value().chars().count(), LONGEST);
    }
}

//! A key press, free of any terminal library: as it is printed, and as it is written in a configuration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A character as typed: `L` is not `l`.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key, F1 to F12.
    F(u8),
}

/// The keys that have a name, as they are printed.
const NAMED: [(&str, Key); 16] = [
    ("Space", Key::Char(' ')),
    ("Enter", Key::Enter),
    ("Esc", Key::Esc),
    ("Tab", Key::Tab),
    ("Shift-Tab", Key::BackTab),
    ("Backspace", Key::Backspace),
    ("Del", Key::Delete),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PgUp", Key::PageUp),
    ("PgDn", Key::PageDown),
    ("F1 to F12", Key::F(0)),
];

/// What a terminal sends for these is another key.
const SAME_KEY: [(char, &str); 4] = [('i', "Tab"), ('m', "Enter"), ('j', "Enter"), ('h', "Backspace")];

/// A key with its modifiers. Shift is part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// With Ctrl.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
}

impl Chord {
    /// A key alone.
    #[must_use]
    pub const fn plain(key: Key) -> Chord {
        Chord { key, ctrl: false, alt: false }
    }

    /// A character alone.
    #[must_use]
    pub const fn char(c: char) -> Chord {
        Chord::plain(Key::Char(c))
    }

    /// Ctrl and a (lower-case) character.
    #[must_use]
    pub const fn ctrl(c: char) -> Chord {
        Chord { key: Key::Char(c), ctrl: true, alt: false }
    }

    /// The character that this key types into a field, if it types one.
    #[must_use]
    pub const fn typed(self) -> Option<char> {
        match self.key {
            Key::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Chord {
    /// As hints and help print it, in ASCII: `L`, `Ctrl-C`, `Enter`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        match self.key {
            Key::Char(c) if c != ' ' && self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            Key::Char(c) if c != ' ' => write!(f, "{c}"),
            Key::F(number) => write!(f, "F{number}"),
            key => f.write_str(NAMED.iter().find(|(_, named)| *named == key).map_or("?", |(name, _)| name)),
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    /// Reads a key as it is printed, the names whatever their case. The error says what is expected instead.
    fn from_str(text: &str) -> Result<Chord, String> {
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        // `-` alone is a key too.
        while let Some((modifier, key)) =
            rest.split_once('-').filter(|(before, after)| !before.is_empty() && !after.is_empty())
        {
            match modifier.to_ascii_lowercase().as_str() {
                "ctrl" if !ctrl => ctrl = true,
                "alt" if !alt => alt = true,
                _ => break,
            }
            rest = key;
        }
        let key = key(rest)?;
        match key {
            Key::Char(c) if ctrl && !c.is_ascii_alphabetic() && c != ' ' => {
                Err("with Ctrl a terminal tells only letters and Space apart".to_owned())
            }
            Key::Char(c) if ctrl => {
                let c = c.to_ascii_lowercase();
                match SAME_KEY.iter().find(|(same, _)| *same == c) {
                    Some((_, name)) if !alt => Err(format!("a terminal sends the same for it as for {name}")),
                    _ => Ok(Chord { key: Key::Char(c), ctrl, alt }),
                }
            }
            key => Ok(Chord { key, ctrl, alt }),
        }
    }
}

/// A key without modifiers, by name.
fn key(name: &str) -> Result<Key, String> {
    let mut characters = name.chars();
    if let (Some(one), None) = (characters.next(), characters.next()) {
        return if one.is_control() {
            Err("a control character is no name of a key".to_owned())
        } else {
            Ok(Key::Char(one))
        };
    }
    if let Some((_, key)) = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name) && !known.contains(" to "))
    {
        return Ok(*key);
    }
    if let Some(number) = name.strip_prefix(['F', 'f']).and_then(|number| number.parse::<u8>().ok())
        && (1..=12).contains(&number)
    {
        return Ok(Key::F(number));
    }
    if name.to_ascii_lowercase().starts_with("shift-") {
        return Err("Shift is part of the character: `P`, not `Shift-p`".to_owned());
    }
    let near = NAMED
        .iter()
        .map(|(known, _)| (strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()), *known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, near)) = near {
        return Err(format!("no such key; did you mean `{near}`?"));
    }
    let known: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
    Err(format!("expected one character, or {}, with Ctrl- or Alt- before it", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_read_as_they_are_printed() {
        let keys = [
            ("p", Chord::char('p')),
            ("P", Chord::char('P')),
            ("-", Chord::char('-')),
            ("é", Chord::char('é')),
            ("Ctrl-X", Chord::ctrl('x')),
            ("ctrl-x", Chord::ctrl('x')),
            ("Ctrl-Space", Chord::ctrl(' ')),
            ("Alt-x", Chord { alt: true, ..Chord::char('x') }),
            ("Alt--", Chord { alt: true, ..Chord::char('-') }),
            ("Alt-Enter", Chord { alt: true, ..Chord::plain(Key::Enter) }),
            ("Ctrl-Alt-i", Chord { alt: true, ..Chord::ctrl('i') }),
            ("space", Chord::char(' ')),
            ("Shift-Tab", Chord::plain(Key::BackTab)),
            ("pgup", Chord::plain(Key::PageUp)),
            ("F5", Chord::plain(Key::F(5))),
            ("Ctrl-F12", Chord { ctrl: true, ..Chord::plain(Key::F(12)) }),
        ];
        for (text, chord) in keys {
            assert_eq!(text.parse(), Ok(chord), "{text}");
            assert_eq!(chord.to_string().parse(), Ok(chord), "{chord}");
        }
    }

    #[test]
    fn what_is_no_key_is_named_with_what_is() {
        let wrong = [
            ("", "expected one character"),
            ("Entr", "did you mean `Enter`"),
            ("PageUp", "PgUp"),
            ("F13", "F1 to F12"),
            ("Ctrl-I", "same for it as for Tab"),
            ("Ctrl-?", "only letters"),
            ("Shift-x", "part of the character"),
            ("gg", "expected one character"),
            ("\u{1b}", "control character"),
            ("Ctrl-Ctrl-x", "expected"),
        ];
        for (text, words) in wrong {
            let why = text.parse::<Chord>().unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_key_comes_back(text in ".{0,12}") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert_eq!(chord.to_string().parse(), Ok(chord));
            }
        }
    }
}

//! Bytes from the terminal to keys. Pure: no descriptor, no clock.
//!
//! Why not crossterm's reader: it spins at 100 % of a core once the terminal is gone (its read loop takes an end of
//! file for "try again"), it blocks in the middle of a cut-off sequence, and it takes an Escape at the end of a
//! packet for the Escape key, which over ssh turns arrow keys into text. Its event types are used all the same.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Longest control sequence that is waited for; longer ones are thrown away.
const MAX_SEQUENCE: usize = 64;
/// Longest paste that is kept, in bytes; the rest of it is thrown away.
const MAX_PASTE: usize = 1 << 20;
/// Ctrl-C.
const INTERRUPT: u8 = 0x03;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Something that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(KeyEvent),
    /// The wheel of the mouse.
    Wheel {
        /// Towards the end.
        down: bool,
    },
    /// A press of the mouse's first button, at a cell counted from 0.
    Click {
        /// Column.
        column: u16,
        /// Row.
        row: u16,
    },
    /// Pasted text (bracketed paste), line ends as `\n`.
    Paste(String),
}

/// Collects bytes until they make a key.
#[derive(Debug, Default)]
pub struct Decoder {
    /// An incomplete sequence or character.
    pending: Vec<u8>,
    /// The paste going on.
    paste: Option<Vec<u8>>,
    /// Inside a string that the terminal sends us (OSC, DCS, APC...): swallowed up to its end.
    string: bool,
}

impl Decoder {
    /// Takes bytes as they were read; `typed` gets each key and paste.
    pub fn feed(&mut self, bytes: &[u8], mut typed: impl FnMut(Typed)) {
        // A paste whose end was lost on the way would swallow every key for ever. A Ctrl-C that comes alone was pressed.
        if bytes == [INTERRUPT] && self.paste.take().is_some() {
            self.pending.clear();
        }
        for &byte in bytes {
            if let Some(paste) = &mut self.paste {
                // Past the limit only the end marker is still looked for.
                if paste.len() >= MAX_PASTE + PASTE_END.len() {
                    paste.remove_tail_window(byte);
                } else {
                    paste.push(byte);
                }
                if paste.ends_with(PASTE_END) {
                    let text = &paste[..(paste.len() - PASTE_END.len()).min(MAX_PASTE)];
                    typed(Typed::Paste(paste_text(text)));
                    self.paste = None;
                }
                continue;
            }
            self.byte(byte, &mut typed);
        }
    }

    /// True if an Escape, or the beginning of a sequence, waits for its rest.
    #[must_use]
    pub fn waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Nothing came after the pending bytes for a moment: a lone Escape was the Escape key; the rest of a torn
    /// sequence is thrown away.
    pub fn timed_out(&mut self, mut typed: impl FnMut(Typed)) {
        match self.pending.as_slice() {
            b"\x1b" => typed(key(KeyCode::Esc, KeyModifiers::NONE)),
            b"\x1b[" => typed(key(KeyCode::Char('['), KeyModifiers::ALT)),
            b"\x1bO" => typed(key(KeyCode::Char('O'), KeyModifiers::ALT | KeyModifiers::SHIFT)),
            _ => {}
        }
        self.pending.clear();
        self.string = false;
    }

    fn byte(&mut self, byte: u8, typed: &mut impl FnMut(Typed)) {
        if self.string {
            // Ends at BEL or ESC \; a lone ESC inside is kept in `pending` to see the backslash.
            if byte == 0x07 || (byte == b'\\' && self.pending.ends_with(b"\x1b")) {
                self.string = false;
                self.pending.clear();
            } else {
                self.pending.clear();
                self.pending.push(byte);
            }
            return;
        }
        self.pending.push(byte);
        match parse(&self.pending) {
            Parsed::More if self.pending.len() < MAX_SEQUENCE => {}
            Parsed::More | Parsed::Nothing => self.pending.clear(),
            Parsed::Key(event) => {
                self.pending.clear();
                typed(Typed::Key(event));
            }
            Parsed::Wheel { down } => {
                self.pending.clear();
                typed(Typed::Wheel { down });
            }
            Parsed::Click { column, row } => {
                self.pending.clear();
                typed(Typed::Click { column, row });
            }
            Parsed::PasteBegins => {
                self.pending.clear();
                self.paste = Some(Vec::new());
            }
            Parsed::StringBegins => {
                self.pending.clear();
                self.string = true;
            }
            // The first bytes mean something else than the last one: Escape Escape, or a broken character.
            Parsed::Again(first) => {
                self.pending.clear();
                if let Some(event) = first {
                    typed(Typed::Key(event));
                }
                self.byte(byte, typed);
            }
        }
    }
}

/// A window over the end of what is thrown away, so that the end marker is still found.
trait TailWindow {
    fn remove_tail_window(&mut self, byte: u8);
}

impl TailWindow for Vec<u8> {
    fn remove_tail_window(&mut self, byte: u8) {
        let start = self.len() - PASTE_END.len();
        self[start..].rotate_left(1);
        if let Some(last) = self.last_mut() {
            *last = byte;
        }
    }
}

enum Parsed {
    /// Not complete.
    More,
    /// Complete, but nothing that we know.
    Nothing,
    Key(KeyEvent),
    Wheel {
        down: bool,
    },
    Click {
        column: u16,
        row: u16,
    },
    PasteBegins,
    StringBegins,
    /// The bytes before the last one are done (with this key); the last one starts anew.
    Again(Option<KeyEvent>),
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Typed {
    Typed::Key(KeyEvent::new(code, modifiers))
}

fn plain(code: KeyCode) -> Parsed {
    Parsed::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn parse(bytes: &[u8]) -> Parsed {
    match bytes {
        [] | [0x1b] => Parsed::More,
        [0x1b, b'[', rest @ ..] => csi(rest),
        [0x1b, b'O', rest @ ..] => ss3(rest),
        [0x1b, b']' | b'P' | b'^' | b'_' | b'X'] => Parsed::StringBegins,
        [0x1b, 0x1b] => Parsed::Again(Some(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE))),
        [0x1b, rest @ ..] => match parse(rest) {
            Parsed::Key(mut event) => {
                event.modifiers |= KeyModifiers::ALT;
                Parsed::Key(event)
            }
            other => other,
        },
        [byte @ 0..=0x1f] | [byte @ 0x7f] => control(*byte),
        _ => character(bytes),
    }
}

fn control(byte: u8) -> Parsed {
    match byte {
        b'\r' | b'\n' => plain(KeyCode::Enter),
        b'\t' => plain(KeyCode::Tab),
        0x7f | 0x08 => plain(KeyCode::Backspace),
        0x00 => Parsed::Key(KeyEvent::new(KeyCode::Char(' '), KeyModifiers::CONTROL)),
        1..=26 => Parsed::Key(KeyEvent::new(KeyCode::Char(char::from(byte - 1 + b'a')), KeyModifiers::CONTROL)),
        _ => Parsed::Key(KeyEvent::new(KeyCode::Char(char::from(byte - 0x1c + b'4')), KeyModifiers::CONTROL)),
    }
}

fn character(bytes: &[u8]) -> Parsed {
    match std::str::from_utf8(bytes) {
        Ok(text) => match text.chars().next() {
            Some(c) => {
                let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                Parsed::Key(KeyEvent::new(KeyCode::Char(c), modifiers))
            }
            None => Parsed::More,
        },
        Err(error) if error.error_len().is_none() => Parsed::More,
        // A broken character: dropped; the byte that broke it may be a key of its own.
        Err(_) if bytes.len() > 1 => Parsed::Again(None),
        Err(_) => Parsed::Nothing,
    }
}

/// `ESC O x`: keypad and function keys in application mode.
fn ss3(rest: &[u8]) -> Parsed {
    match rest {
        [] => Parsed::More,
        [byte] => final_letter(*byte).map_or(Parsed::Nothing, plain),
        _ => Parsed::Nothing,
    }
}

fn final_letter(byte: u8) -> Option<KeyCode> {
    Some(match byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(byte - b'P' + 1),
        _ => return None,
    })
}

/// `ESC [ parameters letter` (ECMA-48 control sequences as xterm sends them).
fn csi(rest: &[u8]) -> Parsed {
    let Some((&last, parameters)) = rest.split_last() else { return Parsed::More };
    // The Linux console's function keys: ESC [ [ A..E.
    if let [b'[', letter] = rest {
        return if (b'A'..=b'E').contains(letter) { plain(KeyCode::F(letter - b'A' + 1)) } else { Parsed::Nothing };
    }
    match last {
        b'[' if parameters.is_empty() => return Parsed::More,
        0x20..=0x3f => return Parsed::More,
        0x40..=0x7e => {}
        // A control character cuts the sequence off.
        _ => return Parsed::Again(None),
    }
    if let [b'<', mouse @ ..] = parameters {
        return mouse_report(mouse, last);
    }
    let text = std::str::from_utf8(parameters).unwrap_or_default();
    let mut numbers = text.split(';').map(|part| part.split(':').next().unwrap_or_default().parse::<u32>().ok());
    let first = numbers.next().flatten();
    let modifiers = numbers.next().flatten().map_or(KeyModifiers::NONE, modifiers);
    let code = match last {
        b'Z' => return Parsed::Key(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
        b'u' => match first.and_then(char::from_u32) {
            Some('\x1b') => Some(KeyCode::Esc),
            Some('\r') => Some(KeyCode::Enter),
            Some('\t') => Some(KeyCode::Tab),
            Some('\x7f') => Some(KeyCode::Backspace),
            Some(c) if !c.is_control() => Some(KeyCode::Char(c)),
            _ => None,
        },
        b'~' => match first {
            Some(200) => return Parsed::PasteBegins,
            Some(1 | 7) => Some(KeyCode::Home),
            Some(2) => Some(KeyCode::Insert),
            Some(3) => Some(KeyCode::Delete),
            Some(4 | 8) => Some(KeyCode::End),
            Some(5) => Some(KeyCode::PageUp),
            Some(6) => Some(KeyCode::PageDown),
            Some(n @ 11..=15) => Some(KeyCode::F(n as u8 - 10)),
            Some(n @ 17..=21) => Some(KeyCode::F(n as u8 - 11)),
            Some(n @ 23..=24) => Some(KeyCode::F(n as u8 - 12)),
            _ => None,
        },
        // A cursor report (ESC [ 5 ; 3 R) has a first number other than 1; F3 with modifiers is ESC [ 1 ; 2 R.
        b'R' if first.is_some_and(|n| n != 1) => None,
        b'M' => None,
        letter => final_letter(letter),
    };
    code.map_or(Parsed::Nothing, |code| Parsed::Key(KeyEvent::new(code, modifiers)))
}

/// `ESC [ < button ; column ; row M`: a mouse report (xterm's 1006), cells counted from 1. Button 0 is the first, 64 and 65
/// are the wheel; a small `m` is a release.
fn mouse_report(parameters: &[u8], last: u8) -> Parsed {
    let mut parts = parameters.split(|byte| *byte == b';');
    let button = parts.next();
    let mut cell = || std::str::from_utf8(parts.next()?).ok()?.parse::<u16>().ok()?.checked_sub(1);
    match (button, last) {
        (Some(b"64"), b'M') => Parsed::Wheel { down: false },
        (Some(b"65"), b'M') => Parsed::Wheel { down: true },
        (Some(b"0"), b'M') => match (cell(), cell()) {
            (Some(column), Some(row)) => Parsed::Click { column, row },
            _ => Parsed::Nothing,
        },
        _ => Parsed::Nothing,
    }
}

/// xterm's modifier parameter: one more than the sum of 1 shift, 2 alt, 4 control, 8 meta.
fn modifiers(parameter: u32) -> KeyModifiers {
    let bits = parameter.saturating_sub(1);
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        if bits & bit != 0 {
            modifiers |= modifier;
        }
    }
    modifiers
}

fn paste_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8]) -> Vec<Typed> {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        decoder.feed(bytes, |typed| out.push(typed));
        if decoder.waiting() {
            decoder.timed_out(|typed| out.push(typed));
        }
        out
    }

    fn k(code: KeyCode) -> Typed {
        key(code, KeyModifiers::NONE)
    }

    #[test]
    fn keys_as_terminals_send_them() {
        let control = KeyModifiers::CONTROL;
        let table: Vec<(&[u8], Typed)> = vec![
            (b"a", k(KeyCode::Char('a'))),
            (b"A", key(KeyCode::Char('A'), KeyModifiers::SHIFT)),
            (b"?", k(KeyCode::Char('?'))),
            ("é".as_bytes(), k(KeyCode::Char('é'))),
            ("日".as_bytes(), k(KeyCode::Char('日'))),
            (b"\r", k(KeyCode::Enter)),
            (b"\t", k(KeyCode::Tab)),
            (b"\x7f", k(KeyCode::Backspace)),
            (b"\x03", key(KeyCode::Char('c'), control)),
            (b"\x1a", key(KeyCode::Char('z'), control)),
            (b"\x1b", k(KeyCode::Esc)),
            (b"\x1bx", key(KeyCode::Char('x'), KeyModifiers::ALT)),
            (b"\x1b\x7f", key(KeyCode::Backspace, KeyModifiers::ALT)),
            (b"\x1b[A", k(KeyCode::Up)),
            (b"\x1bOB", k(KeyCode::Down)),
            (b"\x1b[1;5C", key(KeyCode::Right, control)),
            (b"\x1b[Z", key(KeyCode::BackTab, KeyModifiers::SHIFT)),
            (b"\x1b[3~", k(KeyCode::Delete)),
            (b"\x1b[5;2~", key(KeyCode::PageUp, KeyModifiers::SHIFT)),
            (b"\x1bOP", k(KeyCode::F(1))),
            (b"\x1b[15~", k(KeyCode::F(5))),
            (b"\x1b[17~", k(KeyCode::F(6))),
            (b"\x1b[24~", k(KeyCode::F(12))),
            (b"\x1b[[B", k(KeyCode::F(2))),
            (b"\x1b[97;5u", key(KeyCode::Char('a'), control)),
        ];
        for (bytes, expected) in table {
            assert_eq!(decode(bytes), vec![expected], "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_the_terminal_says_by_itself_is_no_key() {
        for noise in [
            "\x1b[I",
            "\x1b[O",
            "\x1b[5;3R",
            "\x1b[?62;22c",
            "\x1b]11;rgb:0000/0000/0000\x1b\\",
            "\x1bP1$r0m\x1b\\",
            "\x1b[<0;3;4m",
        ] {
            assert_eq!(decode(format!("{noise}q").as_bytes()), vec![k(KeyCode::Char('q'))], "{noise:?}");
        }
    }

    #[test]
    fn a_sequence_torn_over_packets_is_one_key() {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        for part in [&b"\x1b"[..], b"[", b"1;", b"5", b"A", b"x"] {
            decoder.feed(part, |typed| out.push(typed));
        }
        assert_eq!(out, vec![key(KeyCode::Up, KeyModifiers::CONTROL), k(KeyCode::Char('x'))]);
        assert!(!decoder.waiting());
    }

    #[test]
    fn two_escapes_are_two_escapes() {
        assert_eq!(decode(b"\x1b\x1b"), vec![k(KeyCode::Esc), k(KeyCode::Esc)]);
        assert_eq!(decode(b"\x1b\x1b[A"), vec![k(KeyCode::Esc), k(KeyCode::Up)]);
    }

    #[test]
    fn a_paste_is_one_piece_and_its_keys_are_not_keys() {
        let typed = decode(b"\x1b[200~q\r\nrm \x1b[A\x03\x1b[201~z");
        assert_eq!(typed, vec![Typed::Paste("q\nrm \u{1b}[A\u{3}".into()), k(KeyCode::Char('z'))]);
    }

    #[test]
    fn a_huge_paste_is_cut_and_ends_where_it_ends() {
        let mut bytes = b"\x1b[200~".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', MAX_PASTE * 2));
        bytes.extend_from_slice(b"\x1b[201~y");
        let typed = decode(&bytes);
        assert!(matches!(&typed[0], Typed::Paste(text) if text.len() == MAX_PASTE));
        assert_eq!(typed[1..], [k(KeyCode::Char('y'))]);
    }

    #[test]
    fn ctrl_c_gets_out_of_a_paste_whose_end_was_lost() {
        let mut decoder = Decoder::default();
        let mut typed = Vec::new();
        // One that is part of the text is text.
        for piece in [&b"\x1b[200~text\x03text"[..], b"more", b"\x03", b"q"] {
            decoder.feed(piece, |what| typed.push(what));
        }
        let interrupt = Typed::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert_eq!(typed, [interrupt, k(KeyCode::Char('q'))]);
    }

    #[test]
    fn broken_utf8_costs_only_itself() {
        assert_eq!(decode(b"\xffa"), vec![k(KeyCode::Char('a'))]);
        assert_eq!(decode(b"\xe6\x97q"), vec![k(KeyCode::Char('q'))]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_keys(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
            let whole = decode(&bytes);
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let mut parts = Vec::new();
            decoder.feed(&bytes[..cut], |typed| parts.push(typed));
            decoder.feed(&bytes[cut..], |typed| parts.push(typed));
            if decoder.waiting() {
                decoder.timed_out(|typed| parts.push(typed));
            }
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn after_any_noise_and_a_pause_keys_work_again(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut decoder = Decoder::default();
            decoder.feed(&bytes, |_| {});
            decoder.feed(PASTE_END, |_| {});
            decoder.timed_out(|_| {});
            let mut out = Vec::new();
            decoder.feed(b"q", |typed| out.push(typed));
            prop_assert_eq!(out, vec![k(KeyCode::Char('q'))]);
        }
    }

    #[test]
    fn wheel_and_presses_are_read_and_other_mouse_reports_are_swallowed() {
        let bytes = b"\x1b[<65;10;20M\x1b[<64;200;3M\x1b[<0;10;20M\x1b[<0;10;20m\x1b[<0;0;1M\x1b[<0;99999;1M\x1b[<2;1;1M\x1b[<;Mz";
        let wheel = |down| Typed::Wheel { down };
        assert_eq!(
            decode(bytes),
            [
                wheel(true),
                wheel(false),
                Typed::Click { column: 9, row: 19 },
                key(KeyCode::Char('z'), KeyModifiers::NONE)
            ]
        );
    }
}

//! The first guess of how many tokens a text has: one fast walk, no vocabulary.
//!
//! The walk follows how byte-pair tokenizers cut text (a word with the space before it, digits by three, runs of
//! punctuation, runs of blanks) and charges each script by its usual characters per token. It is right within some
//! ten percent on prose, code and JSON; what remains is a bias per model and kind of text, which the caller learns from
//! the service's own counts. For that a [`TextKind`] comes with each guess: texts of one kind err alike.

/// Kinds of text that tokenizers treat alike. As a number, the correction bucket of a record's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TextKind {
    /// English and other plain Latin prose.
    Prose,
    /// European languages with accented letters.
    Accented,
    /// Vietnamese: Latin letters with two marks.
    Vietnamese,
    /// Cyrillic, Greek, Armenian and Georgian.
    Cyrillic,
    /// Arabic and its relatives.
    Arabic,
    /// Hebrew.
    Hebrew,
    /// The scripts of India.
    Indic,
    /// Thai, Lao, Khmer and Burmese: no spaces between words.
    SouthEastAsian,
    /// Chinese.
    Han,
    /// Japanese: Han with kana.
    Japanese,
    /// Korean.
    Hangul,
    /// JSON and other quoted data.
    Json,
    /// Program text and markup.
    Code,
    /// Digits, hashes, base64.
    Dense,
    /// Emoji, symbols and what fits nowhere.
    Symbols,
    /// Mostly pictures or documents.
    Attachment,
}

impl TextKind {
    /// How many kinds there are.
    pub const COUNT: usize = 16;

    /// All kinds, by their number.
    pub const ALL: [TextKind; TextKind::COUNT] = [
        TextKind::Prose,
        TextKind::Accented,
        TextKind::Vietnamese,
        TextKind::Cyrillic,
        TextKind::Arabic,
        TextKind::Hebrew,
        TextKind::Indic,
        TextKind::SouthEastAsian,
        TextKind::Han,
        TextKind::Japanese,
        TextKind::Hangul,
        TextKind::Json,
        TextKind::Code,
        TextKind::Dense,
        TextKind::Symbols,
        TextKind::Attachment,
    ];

    /// The number of the bucket, `0..16`.
    #[must_use]
    pub const fn index(self) -> u8 {
        self as u8
    }
}

/// A guess before any learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEstimate {
    /// Tokens.
    pub tokens: u64,
    /// The kind of text.
    pub kind: TextKind,
}

/// The guess for one text.
#[must_use]
pub fn raw_tokens(text: &str) -> RawEstimate {
    let mut walk = TokenWalk::default();
    walk.text(text);
    walk.finish()
}

/// Costs are counted in 64ths of a token.
const TOKEN: u64 = 64;

/// Classes of ASCII bytes.
const BLANK: usize = 0;
const BREAK: usize = 1;
const LOWER: usize = 2;
const UPPER: usize = 3;
const DIGIT: usize = 4;
const MARK: usize = 5;
const CLASSES: usize = 8;

/// States of the walk: what the byte before belongs to, and how long it has been so.
const START: u8 = 0;
const SPACE: u8 = 1;
const BLANKS: u8 = 2;
const BREAKS: u8 = 3;
/// The first to eighth small letter of a word, then a cycle through a long word's further pieces.
const WORD: u8 = 4;
const WORD_WHOLE: u8 = 8;
const WORD_PIECE: u8 = 4;
const CAPITAL: u8 = WORD + WORD_WHOLE + WORD_PIECE;
const CAPITALS: u8 = CAPITAL + 1;
const NUMBER: u8 = CAPITALS + 1;
const MARKED: u8 = NUMBER + 3;
const MARKS: u8 = MARKED + 1;
const STATES: usize = MARKS as usize + 1;

/// `cost << 8 | next state` for each state and class.
static STEPS: [[u16; CLASSES]; STATES] = steps();
static CLASS: [u8; 256] = classes();
/// What each byte says about the shape of a text: eight counters of eight bits.
static SHAPE: [u64; 256] = shapes();

const fn classes() -> [u8; 256] {
    let mut table = [MARK as u8; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' => BLANK,
            b'\n' | b'\r' => BREAK,
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            _ => MARK,
        } as u8;
        byte += 1;
    }
    table
}

const fn steps() -> [[u16; CLASSES]; STATES] {
    const fn step(next: u8, cost: u16) -> u16 {
        cost << 8 | next as u16
    }
    let mut table = [[0; CLASSES]; STATES];
    let mut state = 0;
    while state < STATES {
        let s = state as u8;
        let in_word = s >= WORD && s < CAPITAL;
        // A space before a word is part of the word's token; more of them are a token of their own.
        table[state][BLANK] = match s {
            SPACE => step(BLANKS, 40),
            BLANKS => step(BLANKS, 1),
            BREAKS => step(BLANKS, 24),
            _ => step(SPACE, 0),
        };
        table[state][BREAK] = match s {
            BREAKS => step(BREAKS, 4),
            MARKED | MARKS => step(BREAKS, 32),
            _ => step(BREAKS, 60),
        };
        table[state][LOWER] = if s >= WORD && s < WORD + WORD_WHOLE - 1 {
            step(s + 1, 0)
        } else if s == WORD + WORD_WHOLE - 1 || s == CAPITAL - 1 {
            step(WORD + WORD_WHOLE, 36)
        } else if in_word {
            step(s + 1, 0)
        } else {
            match s {
                CAPITAL => step(WORD + 1, 0),
                CAPITALS => step(WORD + 1, 40),
                // One mark before a word is often part of the word's token.
                MARKED => step(WORD, 44),
                _ => step(WORD, 64),
            }
        };
        table[state][UPPER] = match s {
            CAPITAL | CAPITALS => step(CAPITALS, 26),
            MARKED => step(CAPITAL, 52),
            _ => step(CAPITAL, 66),
        };
        table[state][DIGIT] = if s >= NUMBER && s < NUMBER + 2 {
            step(s + 1, 0)
        } else if s == SPACE {
            // The space before a number is a token of its own.
            step(NUMBER, 84)
        } else {
            step(NUMBER, 64)
        };
        table[state][MARK] = match s {
            MARKED | MARKS => step(MARKS, 26),
            _ => step(MARKED, 58),
        };
        state += 1;
    }
    table
}

/// Fields of [`SHAPE`].
const LETTERS: usize = 0;
const CAPS: usize = 1;
const DIGITS: usize = 2;
const QUOTES: usize = 3;
const OPERATORS: usize = 4;
const BLANKS_SEEN: usize = 5;
const FIELDS: usize = 8;

const fn shapes() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let field = match byte as u8 {
            b'a'..=b'z' => LETTERS,
            b'A'..=b'Z' => CAPS,
            b'0'..=b'9' => DIGITS,
            b'"' => QUOTES,
            b'{' | b'}' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'=' | b';' | b'_' | b'/' | b'\\' | b'|' | b'&'
            | b'#' | b'$' | b'+' | b'*' | b'@' => OPERATORS,
            b' ' | b'\t' | b'\n' | b'\r' => BLANKS_SEEN,
            _ => 7,
        };
        table[byte] = 1 << (8 * field);
        byte += 1;
    }
    table
}

/// A script beyond ASCII, as the kind of text it makes, and the cost of one of its characters in 64ths of a token,
/// between what a vocabulary of 100,000 and one of 200,000 pieces need.
const fn script(c: char) -> (TextKind, u64) {
    match c as u32 {
        0x0080..=0x024F | 0x1E00..=0x1E9F => (TextKind::Accented, 22),
        0x0300..=0x036F | 0x1EA0..=0x1EFF => (TextKind::Vietnamese, 26),
        0x0370..=0x03FF | 0x1F00..=0x1FFF => (TextKind::Cyrillic, 26),
        0x0400..=0x052F => (TextKind::Cyrillic, 20),
        0x0530..=0x058F | 0x10A0..=0x10FF => (TextKind::Cyrillic, 48),
        0x0590..=0x05FF => (TextKind::Hebrew, 32),
        0x0600..=0x08FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF => (TextKind::Arabic, 30),
        0x0900..=0x0DFF => (TextKind::Indic, 30),
        0x0E00..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF => (TextKind::SouthEastAsian, 36),
        0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7FF => (TextKind::Hangul, 48),
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9F => (TextKind::Japanese, 54),
        0x2E80..=0x2FFF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => (TextKind::Han, 60),
        // Dashes, curly quotes, ellipses; ideographic and full-width punctuation.
        0x2000..=0x206F | 0x3000..=0x303F | 0xFF00..=0xFF65 => (TextKind::Symbols, 64),
        0x1F000..=0x1FAFF => (TextKind::Symbols, 140),
        _ => (TextKind::Symbols, 110),
    }
}

/// A walk over the texts of one request.
#[derive(Clone, Debug, Default)]
pub struct TokenWalk {
    /// In 64ths of a token.
    cost: u64,
    ascii: [u64; FIELDS],
    scripts: [u64; TextKind::COUNT],
}

impl TokenWalk {
    /// Takes one more text.
    pub fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut state = START;
        let mut at = 0;
        while at < bytes.len() {
            // The counters of a shape hold 255 bytes.
            let end = bytes.len().min(at + 255);
            let run = &bytes[at..end];
            let mut shape = 0;
            let mut cost = 0;
            let mut taken = 0;
            for &byte in run {
                if byte >= 0x80 {
                    break;
                }
                let step = STEPS[usize::from(state)][usize::from(CLASS[usize::from(byte)])];
                state = step as u8;
                cost += u64::from(step >> 8);
                shape += SHAPE[usize::from(byte)];
                taken += 1;
            }
            self.cost += cost;
            for (field, count) in self.ascii.iter_mut().enumerate() {
                *count += shape >> (8 * field) & 0xFF;
            }
            at += taken;
            if taken < run.len() {
                for c in text[at..].chars().take_while(|c| !c.is_ascii()) {
                    let (kind, cost) = script(c);
                    self.scripts[usize::from(kind.index())] += 1;
                    self.cost += cost;
                    at += c.len_utf8();
                    // An accented letter is inside a word; other scripts have their own words.
                    if !matches!(kind, TextKind::Accented | TextKind::Vietnamese) {
                        state = START;
                    } else if !(WORD..CAPITAL).contains(&state) {
                        self.cost += TOKEN / 2;
                        state = WORD;
                    }
                }
            }
        }
    }

    /// The guess for all texts taken.
    #[must_use]
    pub fn finish(&self) -> RawEstimate {
        RawEstimate { tokens: self.cost.div_ceil(TOKEN), kind: self.kind() }
    }

    fn kind(&self) -> TextKind {
        let count = |kind: TextKind| self.scripts[usize::from(kind.index())];
        let letters = self.ascii[LETTERS] + self.ascii[CAPS];
        let foreign: u64 = self.scripts.iter().sum();
        // A tenth of foreign letters decides; Latin letters with marks are rarer in their languages.
        let own = foreign - count(TextKind::Accented) - count(TextKind::Vietnamese) - count(TextKind::Symbols);
        if own * 10 > letters {
            // Japanese mixes kana with more Han than kana.
            if count(TextKind::Japanese) * 5 > count(TextKind::Han) + count(TextKind::Japanese) {
                return TextKind::Japanese;
            }
            let scripts = [
                TextKind::Cyrillic,
                TextKind::Arabic,
                TextKind::Hebrew,
                TextKind::Indic,
                TextKind::SouthEastAsian,
                TextKind::Han,
                TextKind::Hangul,
            ];
            return scripts.into_iter().max_by_key(|&kind| count(kind)).unwrap_or(TextKind::Symbols);
        }
        if count(TextKind::Vietnamese) * 20 > letters {
            return TextKind::Vietnamese;
        }
        let ascii: u64 = self.ascii.iter().sum();
        if count(TextKind::Symbols) * 3 > ascii {
            return TextKind::Symbols;
        }
        if (self.ascii[DIGITS] + self.ascii[CAPS]) * 4 > ascii && self.ascii[BLANKS_SEEN] * 12 < ascii {
            return TextKind::Dense;
        }
        if self.ascii[QUOTES] * 25 > ascii {
            return TextKind::Json;
        }
        if self.ascii[OPERATORS] * 20 > ascii {
            return TextKind::Code;
        }
        if self.ascii[DIGITS] * 4 > ascii {
            return TextKind::Dense;
        }
        if count(TextKind::Accented) * 80 > letters && foreign > 0 { TextKind::Accented } else { TextKind::Prose }
    }
}

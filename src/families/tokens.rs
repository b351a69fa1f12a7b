//! The first guess of how many tokens a text has: one fast walk, no vocabulary.
//!
//! The walk follows how byte-pair tokenizers cut text (a word with the space before it, digits by three, runs of
//! punctuation, runs of blanks) and charges each script by its usual characters per token. It is right within some
//! ten percent on prose, code and JSON; what remains is a bias per model and kind of text, which the caller learns from
//! the service's own counts. For that a [`TextKind`] comes with each guess: texts of one kind err alike.

use super::kind::{TextKind, script};

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

/// Classes of ASCII bytes: the low three bits of an index into [`STEPS`].
const BLANK: u8 = 0;
const BREAK: u8 = 1;
const LOWER: u8 = 2;
const UPPER: u8 = 3;
const DIGIT: u8 = 4;
const MARK: u8 = 5;
const CLASSES: u8 = 8;

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
const STATES: u8 = MARKS + 1;

/// `cost << 8 | next state * 8`, at `state * 8 | class`: an index that needs no arithmetic and no bounds check.
static STEPS: [u16; 256] = steps();
static CLASS: [u8; 256] = classes();
/// What each byte says about the shape of a text: eight counters of eight bits.
static SHAPE: [u64; 256] = shapes();

/// How many bytes the counters of a shape hold.
const BLOCK: usize = 252;
/// A block of plain ASCII is walked at four places at once: the processor waits for one table while it asks another.
const LANES: usize = 4;

const fn classes() -> [u8; 256] {
    let mut table = [MARK; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' => BLANK,
            b'\n' | b'\r' => BREAK,
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            _ => MARK,
        };
        byte += 1;
    }
    table
}

const fn steps() -> [u16; 256] {
    let mut table = [0; 256];
    let mut state = 0;
    while state < STATES {
        let mut class = 0;
        while class < CLASSES {
            let (next, cost) = step(state, class);
            table[(state * CLASSES + class) as usize] = (cost as u16) << 8 | (next * CLASSES) as u16;
            class += 1;
        }
        state += 1;
    }
    table
}

/// The state after a byte of `class`, and what the byte costs in 64ths of a token. The costs are fitted to the counts
/// of two public vocabularies (100,000 and 200,000 pieces) over prose, documentation, program text, JSON and hashes.
const fn step(state: u8, class: u8) -> (u8, u8) {
    const LAST_OF_WHOLE: u8 = WORD + WORD_WHOLE - 1;
    const LAST_OF_PIECE: u8 = CAPITAL - 1;
    const SECOND_DIGIT: u8 = NUMBER + 1;
    match (class, state) {
        // A space before a word is part of the word's token; more of them are a token of their own.
        (BLANK, SPACE) => (BLANKS, 40),
        (BLANK, BLANKS) => (BLANKS, 1),
        (BLANK, BREAKS) => (BLANKS, 24),
        (BLANK, _) => (SPACE, 0),
        (BREAK, BREAKS) => (BREAKS, 4),
        (BREAK, MARKED | MARKS) => (BREAKS, 32),
        (BREAK, _) => (BREAKS, 60),
        (LOWER, LAST_OF_WHOLE | LAST_OF_PIECE) => (WORD + WORD_WHOLE, 36),
        (LOWER, WORD..LAST_OF_PIECE) => (state + 1, 0),
        (LOWER, CAPITAL) => (WORD + 1, 0),
        (LOWER, CAPITALS) => (WORD + 1, 40),
        // The mark right before a word is often part of the word's token.
        (LOWER, MARKED) => (WORD, 44),
        (LOWER, MARKS) => (WORD, 56),
        (LOWER, _) => (WORD, 64),
        (UPPER, CAPITAL | CAPITALS) => (CAPITALS, 26),
        (UPPER, MARKED) => (CAPITAL, 52),
        (UPPER, _) => (CAPITAL, 66),
        (DIGIT, NUMBER | SECOND_DIGIT) => (state + 1, 0),
        // The space before a number is a token of its own.
        (DIGIT, SPACE) => (NUMBER, 84),
        (DIGIT, _) => (NUMBER, 64),
        (_, MARKED | MARKS) => (MARKS, 22),
        (_, _) => (MARKED, 56),
    }
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
        let mut state = START * CLASSES;
        let mut at = 0;
        while at < bytes.len() {
            let block = &bytes[at..bytes.len().min(at + BLOCK)];
            if block.len() == BLOCK && block.is_ascii() {
                state = self.lanes(state, block);
                at += BLOCK;
                continue;
            }
            let plain = block.iter().position(|byte| !byte.is_ascii()).unwrap_or(block.len());
            state = self.plain(state, &block[..plain]);
            at += plain;
            if plain < block.len() {
                for c in text[at..].chars().take_while(|c| !c.is_ascii()) {
                    state = self.foreign(state, c);
                    at += c.len_utf8();
                }
            }
        }
    }

    /// Walks at most [`BLOCK`] ASCII bytes.
    fn plain(&mut self, mut state: u8, bytes: &[u8]) -> u8 {
        let (mut cost, mut shape) = (0, 0);
        for &byte in bytes {
            let step = STEPS[usize::from(state | CLASS[usize::from(byte)])];
            state = step as u8;
            cost += u64::from(step >> 8);
            shape += SHAPE[usize::from(byte)];
        }
        self.count(cost, shape);
        state
    }

    /// Walks a whole block of ASCII bytes. The later lanes do not know how long the word is that they begin in; that
    /// costs nothing but the next piece of a very long word.
    fn lanes(&mut self, state: u8, block: &[u8]) -> u8 {
        const EACH: usize = BLOCK / LANES;
        let mut states = [state; LANES];
        for (lane, state) in states.iter_mut().enumerate().skip(1) {
            *state = CLASSES
                * match CLASS[usize::from(block[lane * EACH - 1])] {
                    BLANK => SPACE,
                    BREAK => BREAKS,
                    LOWER => WORD,
                    UPPER => CAPITALS,
                    DIGIT => NUMBER,
                    _ => MARKED,
                };
        }
        let (mut cost, mut shape) = (0, 0);
        let (first, rest) = block.split_at(EACH);
        let (second, rest) = rest.split_at(EACH);
        let (third, fourth) = rest.split_at(EACH);
        for (((&a, &b), &c), &d) in first.iter().zip(second).zip(third).zip(fourth) {
            for (state, byte) in states.iter_mut().zip([a, b, c, d]) {
                let step = STEPS[usize::from(*state | CLASS[usize::from(byte)])];
                *state = step as u8;
                cost += u64::from(step >> 8);
                shape += SHAPE[usize::from(byte)];
            }
        }
        self.count(cost, shape);
        states[LANES - 1]
    }

    /// Takes one character beyond ASCII.
    fn foreign(&mut self, state: u8, c: char) -> u8 {
        let (kind, cost) = script(c);
        self.scripts[usize::from(kind.index())] += 1;
        self.cost += cost;
        if !matches!(kind, TextKind::Accented | TextKind::Vietnamese) {
            return START * CLASSES;
        }
        // An accented letter is inside a word or begins one; other scripts have their own words.
        if (WORD * CLASSES..=CAPITALS * CLASSES).contains(&state) {
            return state;
        }
        self.cost += TOKEN / 2;
        WORD * CLASSES
    }

    fn count(&mut self, cost: u64, shape: u64) {
        self.cost += cost;
        for (field, count) in self.ascii.iter_mut().enumerate() {
            *count += shape >> (8 * field) & 0xFF;
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

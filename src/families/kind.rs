//! The kinds of text that tokenizers treat alike.

/// A kind of text. As a number, the correction bucket of a record's body.
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

/// A script beyond ASCII, as the kind of text it makes, and the cost of one of its characters in 64ths of a token,
/// between what a vocabulary of 100,000 and one of 200,000 pieces need.
pub(super) const fn script(c: char) -> (TextKind, u64) {
    match c as u32 {
        0x0080..=0x00FF => (TextKind::Accented, 34),
        0x0100..=0x024F | 0x1E00..=0x1E9F => (TextKind::Accented, 60),
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

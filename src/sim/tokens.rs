//! How many tokens the simulated models see in a text: a rule of the simulator's own.
//!
//! Real tokenizers are not public, so a client can only guess and correct its guess from the `usage` of replies. The
//! rule here is deliberately none of the usual guesses (characters by four, bytes by four, words by a factor): it
//! walks the text once and charges each character by script and by what stands before it, with ratios that differ
//! from model to model. An estimate that fits English prose is therefore off for CJK, JSON and code, by the sizes
//! measured for real tokenizers, and must be learned per model and kind of text.

/// What one request costs beyond its texts: the chat template's frame.
const REQUEST_OVERHEAD: u64 = 7;
/// What each message or block costs beyond its text.
const BLOCK_OVERHEAD: u64 = 4;
/// Bytes of an image or document per token: a 300 KB photograph comes to about 1,500 tokens.
const BYTES_PER_TOKEN: u64 = 200;

/// The ratios of one model, in per mille of the walk's own charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenRule {
    latin: u64,
    other: u64,
}

/// Model id prefix (without profile) and its ratios; the first match holds. The newest Claude tokenizers count Latin
/// text about a third higher than their predecessors and leave CJK as it was.
const RULES: [(&str, TokenRule); 13] = [
    ("anthropic.claude-opus-4-7", TokenRule { latin: 1_330, other: 1_010 }),
    ("anthropic.claude-opus-4-8", TokenRule { latin: 1_330, other: 1_010 }),
    ("anthropic.claude-opus-5", TokenRule { latin: 1_350, other: 1_010 }),
    ("anthropic.claude-sonnet-5", TokenRule { latin: 1_350, other: 1_010 }),
    ("anthropic.claude-haiku-5", TokenRule { latin: 1_350, other: 1_010 }),
    ("anthropic.claude-fable", TokenRule { latin: 1_350, other: 1_010 }),
    ("anthropic.", TokenRule { latin: 1_060, other: 1_000 }),
    ("amazon.nova", TokenRule { latin: 960, other: 1_120 }),
    ("amazon.titan", TokenRule { latin: 1_010, other: 1_300 }),
    ("meta.", TokenRule { latin: 970, other: 1_080 }),
    ("mistral.", TokenRule { latin: 1_090, other: 1_210 }),
    ("ai21.", TokenRule { latin: 900, other: 1_250 }),
    ("openai.", TokenRule { latin: 940, other: 860 }),
];

impl TokenRule {
    /// The rule of a foundation model id.
    pub(super) fn of(base_id: &str) -> TokenRule {
        RULES
            .iter()
            .find(|(prefix, _)| base_id.starts_with(prefix))
            .map_or(TokenRule { latin: 1_000, other: 1_000 }, |(_, rule)| *rule)
    }

    /// Input tokens of a request with these texts and this much binary content.
    pub(super) fn request<'a>(&self, texts: impl IntoIterator<Item = &'a str>, other_bytes: u64) -> u64 {
        let texts: u64 = texts.into_iter().map(|text| self.text(text).saturating_add(BLOCK_OVERHEAD)).sum();
        REQUEST_OVERHEAD + texts + other_bytes.div_ceil(BYTES_PER_TOKEN)
    }

    /// Tokens of one text.
    pub(super) fn text(&self, text: &str) -> u64 {
        let mut latin: u64 = 0;
        let mut other: u64 = 0;
        let mut last = b' ';
        for character in text.chars() {
            if character.is_ascii() {
                let byte = character as u8;
                latin += u64::from(ascii_charge(byte, last));
                last = byte;
            } else {
                let (charge, is_letter) = script_charge(character);
                if is_letter && last.is_ascii_alphabetic() {
                    latin += 330;
                } else {
                    other += charge;
                }
                last = if is_letter { b'a' } else { 0x80 };
            }
        }
        // The walk charges thousandths of a token, the ratios are thousandths again.
        ((latin * self.latin + other * self.other) / 1_000_000).max(u64::from(!text.is_empty()))
    }
}

/// Thousandths of a token for an ASCII character after `last`.
fn ascii_charge(byte: u8, last: u8) -> u32 {
    match byte {
        b'a'..=b'z' if last.is_ascii_alphabetic() => 75,
        b'a'..=b'z' => 690,
        // A capital inside a word starts a new piece: camel case, acronyms, base64.
        b'A'..=b'Z' if last.is_ascii_lowercase() => 620,
        b'A'..=b'Z' if last.is_ascii_uppercase() => 330,
        b'A'..=b'Z' => 740,
        b'0'..=b'9' => 410,
        b' ' if last == b' ' => 120,
        b' ' => 20,
        b'\n' if last == b'\n' => 100,
        b'\n' => 420,
        b'\t' => 260,
        _ if byte == last => 240,
        _ => 640,
    }
}

/// Thousandths of a token for a character beyond ASCII, and whether it is a Latin letter.
fn script_charge(character: char) -> (u64, bool) {
    match u32::from(character) {
        0x00C0..=0x024F | 0x1E00..=0x1EFF => (560, true),
        0x0370..=0x03FF => (520, false),
        0x0400..=0x052F => (390, false),
        0x0590..=0x05FF => (590, false),
        0x0600..=0x06FF | 0x0750..=0x077F => (540, false),
        0x0900..=0x0DFF => (610, false),
        0x0E00..=0x0EFF => (720, false),
        0x2000..=0x206F => (700, false),
        0x3040..=0x30FF => (810, false),
        0x3400..=0x9FFF | 0xF900..=0xFAFF => (1_080, false),
        0xAC00..=0xD7AF => (930, false),
        0x1F000..=0x1FAFF => (2_300, false),
        _ => (950, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars_per_token(model: &str, text: &str) -> f64 {
        text.chars().count() as f64 / TokenRule::of(model).text(text) as f64
    }

    #[test]
    fn scripts_and_shapes_cost_differently() {
        let model = "anthropic.claude-3-haiku-20240307-v1:0";
        let english = chars_per_token(model, &"The quick brown fox jumps over the lazy dog and runs home. ".repeat(20));
        let json = chars_per_token(model, &r#"{"id":17,"name":"x","tags":["a","b"]},"#.repeat(20));
        let chinese = chars_per_token(model, &"今天天气很好我们去公园散步".repeat(20));
        let russian = chars_per_token(model, &"Сегодня хорошая погода, мы идём гулять. ".repeat(20));
        assert!((3.5..5.5).contains(&english), "{english}");
        assert!((1.2..2.8).contains(&json), "{json}");
        assert!((0.7..1.2).contains(&chinese), "{chinese}");
        assert!((2.0..3.6).contains(&russian), "{russian}");
    }

    #[test]
    fn the_newest_claude_counts_prose_a_third_higher_and_chinese_alike() {
        let (old, new) = ("anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-5");
        let prose = "Operators watch the quota and wait. ".repeat(50);
        let ratio = chars_per_token(old, &prose) / chars_per_token(new, &prose);
        assert!((1.2..1.4).contains(&ratio), "{ratio}");
        let chinese = "运维人员看着配额等待".repeat(50);
        let ratio = chars_per_token(old, &chinese) / chars_per_token(new, &chinese);
        assert!((0.98..1.03).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_request_adds_its_frame() {
        let rule = TokenRule::of("amazon.nova-lite-v1:0");
        assert_eq!(rule.request([], 0), REQUEST_OVERHEAD);
        assert_eq!(rule.request(["hello"], 0), REQUEST_OVERHEAD + BLOCK_OVERHEAD + rule.text("hello"));
        assert_eq!(rule.request([], 300_000), REQUEST_OVERHEAD + 1_500);
        assert_eq!(rule.text(""), 0);
        assert_eq!(rule.text("."), 1);
    }
}

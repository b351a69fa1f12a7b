//! What the terminal can do, told from the environment alone: no query is sent, because the answer may never come.

use std::fmt;

/// How many colours may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColourDepth {
    /// None: attributes only (bold, reverse, underline).
    Mono,
    /// The sixteen of ANSI.
    Ansi16,
    /// The 256 of xterm.
    Ansi256,
    /// 24 bits.
    TrueColour,
}

/// Which glyphs the terminal's font can be trusted to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GlyphLevel {
    /// ASCII.
    Ascii,
    /// The line and block characters of a console font (code page 437).
    Block,
    /// Braille dots and eighth blocks as well.
    Braille,
}

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Colours.
    pub colour: ColourDepth,
    /// Glyphs.
    pub glyphs: GlyphLevel,
    /// Frames may be bracketed by DEC private mode 2026 (synchronized output).
    pub sync_output: bool,
    /// The link is slow: draw less often.
    pub slow_link: bool,
    /// An OSC 52 sequence can reach the clipboard of whoever sits there; most terminals take it, some only if they are told to.
    pub osc52: bool,
}

/// Why the console cannot run on this terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The value of `TERM`, empty if it is not set.
    pub term: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.term.is_empty() {
            write!(f, "the console needs a terminal that can move its cursor, but TERM is not set")?;
        } else {
            write!(f, "the console needs a terminal that can move its cursor, but TERM is `{}`", self.term)?;
        }
        write!(
            f,
            "; set TERM (for example `export TERM=xterm-256color`), or run without a terminal: `bedrock-top | cat`"
        )
    }
}

impl std::error::Error for Unusable {}

/// Terminals that have 24-bit colour and say so by `TERM`. `COLORTERM` does not travel over ssh, `TERM` does.
const TRUE_COLOUR_TERMS: [&str; 7] = ["kitty", "alacritty", "foot", "ghostty", "wezterm", "contour", "-direct"];
/// Terminal programs (`TERM_PROGRAM`) that have 24-bit colour.
const TRUE_COLOUR_PROGRAMS: [&str; 5] = ["iTerm.app", "WezTerm", "ghostty", "vscode", "rio"];
/// Terminals without colour.
const MONO_TERMS: [&str; 6] = ["vt52", "vt100", "vt102", "vt220", "vt320", "ansi-m"];

impl Caps {
    /// Everything: 24-bit colour, braille, synchronized output, fast link. What screenshots are drawn with.
    pub const FULL: Caps = Caps {
        colour: ColourDepth::TrueColour,
        glyphs: GlyphLevel::Braille,
        sync_output: true,
        slow_link: false,
        osc52: true,
    };

    /// Reads the environment through `env` (a lookup that returns `None` for what is not set).
    ///
    /// # Errors
    /// [`Unusable`] if `TERM` is missing or `dumb`: such a terminal cannot show a screen at all.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Result<Caps, Unusable> {
        let get = |name: &str| env(name).unwrap_or_default();
        let term = get("TERM");
        if term.is_empty() || term == "dumb" || term == "unknown" {
            return Err(Unusable { term });
        }
        // A terminal multiplexer draws to us on behalf of another terminal: what it understands counts.
        let gnu_screen = term.starts_with("screen") && !get("STY").is_empty() && get("TMUX").is_empty();
        let console = term == "linux" || term.starts_with("linux-") || term.starts_with("cons25") || term == "vt220";
        Ok(Caps {
            colour: colour(&term, &get("NO_COLOR"), &get("COLORTERM"), &get("TERM_PROGRAM"), gnu_screen),
            glyphs: glyphs(&locale(&env), console, &term),
            sync_output: !(gnu_screen || console || is_mono(&term)),
            osc52: !(gnu_screen || console || is_mono(&term)),
            slow_link: matches!(get("BEDROCK_TOP_SLOW_LINK").as_str(), "1" | "true" | "yes"),
        })
    }

    /// Whether `what` can be given to the terminal's clipboard: `what` itself.
    ///
    /// # Errors
    /// It cannot, in a line.
    pub fn clipboard(&self, what: &str) -> Result<String, String> {
        let none = || format!("this terminal has no clipboard for the {what} (OSC 52)");
        if self.osc52 { Ok(what.to_owned()) } else { Err(none()) }
    }

    /// From the environment of this process.
    ///
    /// # Errors
    /// As [`Caps::detect`].
    pub fn from_env() -> Result<Caps, Unusable> {
        Caps::detect(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }
}

fn is_mono(term: &str) -> bool {
    MONO_TERMS.contains(&term) || term.ends_with("-mono") || term.ends_with("-m")
}

fn colour(term: &str, no_color: &str, colorterm: &str, program: &str, gnu_screen: bool) -> ColourDepth {
    // https://no-color.org: present and not empty.
    if !no_color.is_empty() || is_mono(term) {
        return ColourDepth::Mono;
    }
    let says_true = matches!(colorterm, "truecolor" | "24bit");
    let known_true =
        TRUE_COLOUR_TERMS.iter().any(|name| term.contains(name)) || TRUE_COLOUR_PROGRAMS.contains(&program);
    if (says_true || known_true) && !gnu_screen {
        ColourDepth::TrueColour
    } else if term.contains("256color") || says_true || known_true {
        ColourDepth::Ansi256
    } else {
        ColourDepth::Ansi16
    }
}

/// The locale that governs characters: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set (POSIX 8.2).
fn locale(env: &impl Fn(&str) -> Option<String>) -> String {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| env(name))
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}

fn glyphs(locale: &str, console: bool, term: &str) -> GlyphLevel {
    let lower = locale.to_ascii_lowercase();
    if !(lower.contains("utf-8") || lower.contains("utf8")) || is_mono(term) {
        GlyphLevel::Ascii
    } else if console {
        GlyphLevel::Block
    } else {
        GlyphLevel::Braille
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Result<Caps, Unusable> {
        Caps::detect(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn colours_follow_the_environment() {
        use ColourDepth::{Ansi16, Ansi256, Mono, TrueColour};
        let table: &[(&[(&str, &str)], ColourDepth)] = &[
            (&[("TERM", "xterm")], Ansi16),
            (&[("TERM", "linux")], Ansi16),
            (&[("TERM", "xterm-256color")], Ansi256),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], TrueColour),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "24bit")], TrueColour),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "yes")], Ansi256),
            (&[("TERM", "xterm-kitty")], TrueColour),
            (&[("TERM", "foot")], TrueColour),
            (&[("TERM", "xterm-direct")], TrueColour),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], TrueColour),
            (&[("TERM", "tmux-256color"), ("TMUX", "/tmp/t,1,0"), ("COLORTERM", "truecolor")], TrueColour),
            (&[("TERM", "screen.xterm-256color"), ("STY", "1.pts"), ("COLORTERM", "truecolor")], Ansi256),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Mono),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Ansi256),
            (&[("TERM", "vt100")], Mono),
            (&[("TERM", "xterm-mono")], Mono),
        ];
        for (env, expected) in table {
            assert_eq!(detect(env).unwrap().colour, *expected, "{env:?}");
        }
    }

    #[test]
    fn glyphs_follow_the_locale_and_the_font() {
        use GlyphLevel::{Ascii, Block, Braille};
        let table: &[(&[(&str, &str)], GlyphLevel)] = &[
            (&[("TERM", "xterm")], Ascii),
            (&[("TERM", "xterm"), ("LANG", "C")], Ascii),
            (&[("TERM", "xterm"), ("LANG", "en_US.UTF-8")], Braille),
            (&[("TERM", "xterm"), ("LANG", "C.utf8")], Braille),
            (&[("TERM", "xterm"), ("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], Ascii),
            (&[("TERM", "xterm"), ("LANG", "C"), ("LC_ALL", ""), ("LC_CTYPE", "de_DE.UTF-8")], Braille),
            (&[("TERM", "linux"), ("LANG", "en_US.UTF-8")], Block),
            (&[("TERM", "vt100"), ("LANG", "en_US.UTF-8")], Ascii),
        ];
        for (env, expected) in table {
            assert_eq!(detect(env).unwrap().glyphs, *expected, "{env:?}");
        }
    }

    #[test]
    fn old_terminals_get_no_synchronized_output() {
        for (term, extra, expected) in [
            ("xterm-256color", None, true),
            ("tmux-256color", Some(("TMUX", "x")), true),
            ("screen", Some(("STY", "x")), false),
            ("linux", None, false),
            ("vt100", None, false),
        ] {
            let mut env = vec![("TERM", term)];
            env.extend(extra);
            assert_eq!(detect(&env).unwrap().sync_output, expected, "{term}");
        }
    }

    #[test]
    fn a_dumb_terminal_is_refused_with_the_remedy() {
        assert_eq!(detect(&[]).unwrap_err().term, "");
        let error = detect(&[("TERM", "dumb"), ("LANG", "en_US.UTF-8")]).unwrap_err();
        assert!(error.to_string().contains("TERM is `dumb`"), "{error}");
        assert!(error.to_string().contains("xterm-256color"), "{error}");
    }
}

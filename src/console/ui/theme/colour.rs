//! Colour arithmetic: nearest colours of smaller palettes, contrast.

use ratatui::style::Color;

/// A 24-bit sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The sixteen colours by their names in theme files, with the values that xterm gives them.
pub const ANSI: [(&str, Color, Rgb); 16] = [
    ("black", Color::Black, Rgb(0, 0, 0)),
    ("red", Color::Red, Rgb(205, 0, 0)),
    ("green", Color::Green, Rgb(0, 205, 0)),
    ("yellow", Color::Yellow, Rgb(205, 205, 0)),
    ("blue", Color::Blue, Rgb(0, 0, 238)),
    ("magenta", Color::Magenta, Rgb(205, 0, 205)),
    ("cyan", Color::Cyan, Rgb(0, 205, 205)),
    ("white", Color::Gray, Rgb(229, 229, 229)),
    ("bright-black", Color::DarkGray, Rgb(127, 127, 127)),
    ("bright-red", Color::LightRed, Rgb(255, 0, 0)),
    ("bright-green", Color::LightGreen, Rgb(0, 255, 0)),
    ("bright-yellow", Color::LightYellow, Rgb(255, 255, 0)),
    ("bright-blue", Color::LightBlue, Rgb(92, 92, 255)),
    ("bright-magenta", Color::LightMagenta, Rgb(255, 0, 255)),
    ("bright-cyan", Color::LightCyan, Rgb(0, 255, 255)),
    ("bright-white", Color::White, Rgb(255, 255, 255)),
];

/// The six steps of each channel in xterm's 6x6x6 cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl Rgb {
    /// From `#rrggbb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Rgb> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let n = u32::from_str_radix(digits, 16).ok()?;
        let [_, r, g, b] = n.to_be_bytes();
        Some(Rgb(r, g, b))
    }

    /// The nearest colour of xterm's 256, without the first sixteen, which users redefine.
    #[must_use]
    pub fn to_256(self) -> u8 {
        let step = |value: u8| (0..6).min_by_key(|&i| CUBE[i].abs_diff(value)).unwrap_or(0);
        let (r, g, b) = (step(self.0), step(self.1), step(self.2));
        let cube = (Rgb(CUBE[r], CUBE[g], CUBE[b]), 16 + 36 * r + 6 * g + b);
        let level = (u32::from(self.0) + u32::from(self.1) + u32::from(self.2)) / 3;
        // The grey ramp: 24 steps, 8 + 10 i.
        let i = (level.saturating_sub(3) / 10).min(23) as usize;
        let value = 8 + 10 * i as u8;
        let grey = (Rgb(value, value, value), 232 + i);
        let nearest = if self.distance(grey.0) < self.distance(cube.0) { grey.1 } else { cube.1 };
        nearest as u8
    }

    /// The nearest of the sixteen.
    #[must_use]
    pub fn to_ansi(self) -> Color {
        ANSI.iter().min_by_key(|(_, _, rgb)| self.distance(*rgb)).map_or(Color::Reset, |(_, colour, _)| *colour)
    }

    /// How different two colours look: the weighted sum of squares by which the eye is most sensitive to green
    /// ("redmean", T. Riemersma, compuphase.com/cmetric.htm).
    fn distance(self, other: Rgb) -> u64 {
        let mean = (i64::from(self.0) + i64::from(other.0)) / 2;
        let r = i64::from(self.0) - i64::from(other.0);
        let g = i64::from(self.1) - i64::from(other.1);
        let b = i64::from(self.2) - i64::from(other.2);
        let sum = (((512 + mean) * r * r) >> 8) + 4 * g * g + (((767 - mean) * b * b) >> 8);
        sum.unsigned_abs()
    }

    /// Contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). Text wants 4.5, lines and bars 3.
    #[must_use]
    pub fn contrast(self, other: Rgb) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// What xterm shows for a terminal colour; `None` for its default.
    #[must_use]
    pub fn of(colour: Color) -> Option<Rgb> {
        match colour {
            Color::Reset => None,
            Color::Rgb(r, g, b) => Some(Rgb(r, g, b)),
            Color::Indexed(n @ 0..=15) => Some(ANSI[usize::from(n)].2),
            Color::Indexed(n @ 16..=231) => {
                let n = usize::from(n - 16);
                Some(Rgb(CUBE[n / 36], CUBE[n / 6 % 6], CUBE[n % 6]))
            }
            Color::Indexed(n) => {
                let value = 8 + 10 * (n - 232);
                Some(Rgb(value, value, value))
            }
            named => ANSI.iter().find(|(_, colour, _)| *colour == named).map(|(_, _, rgb)| *rgb),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_parsed_strictly() {
        assert_eq!(Rgb::parse("#1a2B3c"), Some(Rgb(0x1a, 0x2b, 0x3c)));
        for wrong in ["", "#", "1a2b3c", "#1a2b3", "#1a2b3c4", "#+a2b3c", "#ééé"] {
            assert_eq!(Rgb::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_in_the_palette_stays_itself() {
        for n in 16..=255u8 {
            let rgb = Rgb::of(Color::Indexed(n)).unwrap();
            let back = Rgb::of(Color::Indexed(rgb.to_256())).unwrap();
            assert_eq!(back, rgb, "{n}");
        }
        for (_, colour, rgb) in ANSI {
            assert_eq!(rgb.to_ansi(), colour);
        }
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((Rgb(0, 0, 0).contrast(Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
        assert!((Rgb(9, 9, 9).contrast(Rgb(9, 9, 9)) - 1.0).abs() < 1e-9);
        // #777777 on white is the well-known near miss of 4.5.
        let ratio = Rgb(0x77, 0x77, 0x77).contrast(Rgb(255, 255, 255));
        assert!((4.47..4.49).contains(&ratio), "{ratio}");
    }
}

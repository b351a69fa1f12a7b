//! Themes: what each [`Role`] looks like, on this terminal.
//!
//! A theme file names colours (`[palette]`) and gives them to roles (`[roles]`); a role that it does not mention looks
//! like its parent ([`Role::parent`]). What the terminal cannot show is brought down when the theme is built:
//! 24 bits to 256 colours to 16 to none, where attributes alone carry the meaning.

pub mod colour;
pub mod load;
pub mod role;

pub use load::ThemeError;
pub use role::Role;

use ratatui::style::{Color, Modifier, Style};

use crate::console::term::ColourDepth;
use colour::Rgb;

/// The themes in the program: name and file.
const EMBEDDED: [(&str, &str); 8] = [
    ("dusk", include_str!("../../../../themes/dusk.toml")),
    ("dawn", include_str!("../../../../themes/dawn.toml")),
    ("ember", include_str!("../../../../themes/ember.toml")),
    ("paper", include_str!("../../../../themes/paper.toml")),
    ("contrast", include_str!("../../../../themes/contrast.toml")),
    ("okabe", include_str!("../../../../themes/okabe.toml")),
    ("tide", include_str!("../../../../themes/tide.toml")),
    ("mono", include_str!("../../../../themes/mono.toml")),
];

/// The theme used when none is chosen.
pub const DEFAULT: &str = "dusk";

/// A colour as a theme file gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// For terminals with 24 bits or 256 colours.
    pub rgb: Rgb,
    /// For terminals with sixteen; the nearest if the file does not say.
    pub ansi: Color,
}

/// How a role looks, before it is brought down to a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Foreground; `None`: the terminal's own.
    pub fg: Option<Paint>,
    /// Background; `None`: what is below.
    pub bg: Option<Paint>,
    /// Attributes.
    pub modifier: Modifier,
}

/// A theme on a terminal.
#[derive(Clone, Debug)]
pub struct Theme {
    name: String,
    dark: bool,
    depth: ColourDepth,
    ground: Option<Paint>,
    looks: [Look; Role::COUNT],
    styles: [Style; Role::COUNT],
}

impl Theme {
    /// The names of the embedded themes, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// An embedded theme by name, for a terminal with `depth`; `None` if there is none of that name.
    ///
    /// # Errors
    /// If the embedded file is wrong, which a test excludes.
    pub fn embedded(name: &str, depth: ColourDepth) -> Option<Result<Theme, ThemeError>> {
        EMBEDDED.iter().find(|(known, _)| *known == name).map(|(name, text)| Theme::load(name, text, depth))
    }

    /// A theme from the text of a theme file. `name` is what it is called in errors and on the screen.
    ///
    /// # Errors
    /// All that is wrong with the file, each with its key.
    pub fn load(name: &str, text: &str, depth: ColourDepth) -> Result<Theme, ThemeError> {
        let file = load::parse(name, text)?;
        let styles = styles(&file.looks, depth);
        Ok(Theme { name: name.to_owned(), dark: file.dark, depth, ground: file.ground, looks: file.looks, styles })
    }

    /// The same theme on another terminal.
    #[must_use]
    pub fn at_depth(&self, depth: ColourDepth) -> Theme {
        Theme { depth, styles: styles(&self.looks, depth), ..self.clone() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if it is light text on a dark ground.
    #[must_use]
    pub fn dark(&self) -> bool {
        self.dark
    }

    /// The depth for which it is built.
    #[must_use]
    pub fn depth(&self) -> ColourDepth {
        self.depth
    }

    /// The ground of the whole screen with ordinary text on it: what a frame is filled with first.
    #[must_use]
    pub fn ground(&self) -> Style {
        let mut style = self.style(Role::Text);
        if let Some(paint) = self.ground.filter(|_| self.depth != ColourDepth::Mono) {
            style.bg = Some(paint.at(self.depth));
        }
        style
    }

    /// The ground's colour in the file; `None`: the terminal's own.
    #[must_use]
    pub fn ground_paint(&self) -> Option<Paint> {
        self.ground
    }

    /// How a role looks on this terminal. Only roles that have a background of their own set one, so that text of any
    /// role keeps the background of the row, dialog or screen it stands on.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// How a role looks in the file, parents applied.
    #[must_use]
    pub fn look(&self, role: Role) -> Look {
        self.looks[role as usize]
    }
}

impl Paint {
    fn at(self, depth: ColourDepth) -> Color {
        match depth {
            ColourDepth::TrueColour => Color::Rgb(self.rgb.0, self.rgb.1, self.rgb.2),
            ColourDepth::Ansi256 => Color::Indexed(self.rgb.to_256()),
            ColourDepth::Ansi16 => self.ansi,
            ColourDepth::Mono => Color::Reset,
        }
    }
}

fn styles(looks: &[Look; Role::COUNT], depth: ColourDepth) -> [Style; Role::COUNT] {
    std::array::from_fn(|index| bring_down(Role::ALL[index], &looks[index], depth))
}

fn bring_down(role: Role, look: &Look, depth: ColourDepth) -> Style {
    if depth == ColourDepth::Mono {
        // No colour at all, not even a reset: the writer then sends none, and the meaning is in the attributes.
        return Style::new().add_modifier(role.mono());
    }
    let style =
        Style { fg: look.fg.map(|paint| paint.at(depth)), bg: look.bg.map(|paint| paint.at(depth)), ..Style::new() };
    style.add_modifier(look.modifier)
}

#[cfg(test)]
mod tests;

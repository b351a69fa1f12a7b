//! Reading a theme file; everything that is wrong with it is said at once.

use std::collections::BTreeMap;
use std::fmt;

use ratatui::style::Modifier;
use toml::{Table, Value};

use super::colour::{ANSI, Rgb};
use super::{Look, Paint, Role};

/// What is wrong with a theme file: at least one line, each with the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeError {
    /// The theme's name.
    pub theme: String,
    /// `key: what is wrong and what is allowed`.
    pub problems: Vec<String>,
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "theme `{}`: {}", self.theme, self.problems.join("; "))
    }
}

impl std::error::Error for ThemeError {}

/// A theme file, parents applied.
pub(super) struct ThemeFile {
    pub dark: bool,
    pub ground: Option<Paint>,
    pub looks: [Look; Role::COUNT],
}

/// The attributes by their names in theme files.
const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

pub(super) fn parse(name: &str, text: &str) -> Result<ThemeFile, ThemeError> {
    let mut reader = Reader { problems: Vec::new(), palette: BTreeMap::new() };
    let file = match text.parse::<Table>() {
        Ok(table) => Some(reader.file(&table)),
        Err(error) => {
            reader.problems.push(error.to_string().trim().replace('\n', " "));
            None
        }
    };
    match file {
        Some(file) if reader.problems.is_empty() => Ok(file),
        _ => Err(ThemeError { theme: name.to_owned(), problems: reader.problems }),
    }
}

struct Reader {
    problems: Vec<String>,
    palette: BTreeMap<String, Paint>,
}

impl Reader {
    fn wrong(&mut self, key: &str, what: impl fmt::Display) {
        self.problems.push(format!("{key}: {what}"));
    }

    fn file(&mut self, table: &Table) -> ThemeFile {
        const KEYS: [&str; 4] = ["dark", "ground", "palette", "roles"];
        for key in table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            self.wrong(key, format!("unknown key{}", did_you_mean(key, KEYS.into_iter())));
        }
        if let Some(value) = table.get("palette") {
            self.read_palette(value);
        }
        let dark = match table.get("dark") {
            None => true,
            Some(Value::Boolean(dark)) => *dark,
            Some(other) => {
                self.wrong("dark", format!("must be true or false, not {}", other.type_str()));
                true
            }
        };
        let ground = table.get("ground").and_then(|value| self.paint("ground", value));
        let own = table.get("roles").map(|value| self.roles(value)).unwrap_or_default();
        let looks = std::array::from_fn(|index| {
            let mut at = Some(Role::ALL[index]);
            while let Some(role) = at {
                if let Some(look) = own.get(&role) {
                    return *look;
                }
                at = role.parent();
            }
            Look::default()
        });
        ThemeFile { dark, ground, looks }
    }

    fn read_palette(&mut self, value: &Value) {
        let Value::Table(table) = value else {
            self.wrong("palette", "must be a table of colours");
            return;
        };
        for (name, value) in table {
            let key = format!("palette.{name}");
            if let Some(paint) = self.paint(&key, value) {
                self.palette.insert(name.clone(), paint);
            }
        }
    }

    /// `"#rrggbb"`, `["#rrggbb", "bright-blue"]`, or a name of the palette.
    fn paint(&mut self, key: &str, value: &Value) -> Option<Paint> {
        match value {
            Value::String(text) if text.starts_with('#') => {
                let rgb = self.rgb(key, text)?;
                Some(Paint { rgb, ansi: rgb.to_ansi() })
            }
            Value::String(name) => {
                let found = self.palette.get(name).copied();
                if found.is_none() {
                    let hint = did_you_mean(name, self.palette.keys().map(String::as_str));
                    self.wrong(key, format!("`{name}` is neither #rrggbb nor a name of [palette]{hint}"));
                }
                found
            }
            Value::Array(parts) => {
                let [Value::String(rgb), Value::String(ansi)] = parts.as_slice() else {
                    self.wrong(key, "a pair must be [\"#rrggbb\", \"name of one of the sixteen colours\"]");
                    return None;
                };
                let rgb = self.rgb(key, rgb)?;
                let Some((_, ansi, _)) = ANSI.iter().find(|(name, _, _)| name == ansi) else {
                    let hint = did_you_mean(ansi, ANSI.iter().map(|(name, _, _)| *name));
                    self.wrong(key, format!("`{ansi}` is not one of the sixteen colours{hint}"));
                    return None;
                };
                Some(Paint { rgb, ansi: *ansi })
            }
            other => {
                self.wrong(key, format!("must be a colour, not {}", other.type_str()));
                None
            }
        }
    }

    fn rgb(&mut self, key: &str, text: &str) -> Option<Rgb> {
        let rgb = Rgb::parse(text);
        if rgb.is_none() {
            self.wrong(key, format!("`{text}` is not a colour of the form #rrggbb"));
        }
        rgb
    }

    fn roles(&mut self, value: &Value) -> BTreeMap<Role, Look> {
        let mut looks = BTreeMap::new();
        let Value::Table(table) = value else {
            self.wrong("roles", "must be a table");
            return looks;
        };
        for (name, value) in table {
            let key = format!("roles.{name}");
            let Some(role) = Role::named(name) else {
                let hint = did_you_mean(name, Role::ALL.iter().map(|role| role.name()));
                self.wrong(&key, format!("unknown role{hint}"));
                continue;
            };
            let look = match value {
                Value::Table(table) => self.look(&key, table),
                colour => Look { fg: self.paint(&key, colour), ..Look::default() },
            };
            looks.insert(role, look);
        }
        looks
    }

    /// `{ fg = colour, bg = colour, bold = true, ... }`.
    fn look(&mut self, key: &str, table: &Table) -> Look {
        let mut look = Look::default();
        for (name, value) in table {
            let inner = format!("{key}.{name}");
            match name.as_str() {
                "fg" => look.fg = self.paint(&inner, value),
                "bg" => look.bg = self.paint(&inner, value),
                _ => match (ATTRIBUTES.iter().find(|(known, _)| known == name), value) {
                    (Some((_, modifier)), Value::Boolean(on)) => look.modifier.set(*modifier, *on),
                    (Some(_), other) => self.wrong(&inner, format!("must be true or false, not {}", other.type_str())),
                    (None, _) => {
                        let known = ATTRIBUTES.iter().map(|(known, _)| *known).chain(["fg", "bg"]);
                        self.wrong(&inner, format!("unknown key{}", did_you_mean(name, known)));
                    }
                },
            }
        }
        look
    }
}

fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, name)| format!(", did you mean `{name}`?"))
}

//! The themes that there are: those in the program, and those in the operator's folder, which are looked at again while
//! the console runs.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::term::ColourDepth;
use super::ui::theme::{DEFAULT, Theme};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// More files and larger files are not themes.
const MOST: usize = 64;
const LARGEST: u64 = 64 << 10;

/// By what a changed file is known.
type Stamp = (Option<SystemTime>, u64);

/// A theme of the operator's folder.
#[derive(Debug)]
struct Own {
    stamp: Stamp,
    /// As it was when it could last be read.
    theme: Option<Theme>,
}

/// All themes by name, for one terminal.
#[derive(Debug)]
pub(super) struct Themes {
    folder: Option<PathBuf>,
    depth: ColourDepth,
    own: BTreeMap<String, Own>,
    looked: Option<Instant>,
}

/// What a look at the folder found.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    /// Something looks different now, or has another name.
    pub changed: bool,
    /// What is wrong with the first file that cannot be used.
    pub problem: Option<String>,
}

impl Themes {
    /// The themes in the program, until the folder is looked at. A folder that does not exist is never looked at again.
    pub fn new(folder: Option<PathBuf>, depth: ColourDepth) -> Themes {
        Themes { folder: folder.filter(|folder| folder.is_dir()), depth, own: BTreeMap::new(), looked: None }
    }

    /// The names: those in the program first.
    pub fn names(&self) -> Vec<String> {
        let embedded = Theme::names().map(str::to_owned);
        let usable = self.own.iter().filter(|(name, own)| own.theme.is_some() && !is_embedded(name));
        embedded.chain(usable.map(|(name, _)| name.clone())).collect()
    }

    /// A theme; the default where there is none of that name.
    pub fn get(&self, name: &str) -> Option<Theme> {
        if let Some(theme) = self.own.get(name).and_then(|own| own.theme.clone()) {
            return Some(theme);
        }
        // The embedded files are checked by a test.
        let embedded = |name| Theme::embedded(name, self.depth).and_then(Result::ok);
        embedded(name).or_else(|| embedded(DEFAULT))
    }

    /// Looks at the folder, at most once a second.
    pub fn look(&mut self, now: Instant) -> News {
        let mut news = News::default();
        let Some(folder) = self.folder.clone() else { return news };
        if self.looked.is_some_and(|at| now.saturating_duration_since(at) < LOOK) {
            return news;
        }
        self.looked = Some(now);
        let files = theme_files(&folder);
        let before = self.own.len();
        self.own.retain(|name, _| files.contains_key(name));
        news.changed = self.own.len() != before;
        for (name, (path, stamp)) in files {
            if self.own.get(&name).is_some_and(|own| own.stamp == stamp) {
                continue;
            }
            let read = read(&path, stamp.1).and_then(|text| {
                Theme::load(&name, &text, self.depth).map_err(|error| {
                    let more = error.problems.len().saturating_sub(1);
                    let rest = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                    format!("theme {name}: {}{rest}", error.problems.first().map_or("", String::as_str))
                })
            });
            let own = self.own.entry(name).or_insert(Own { stamp, theme: None });
            own.stamp = stamp;
            match read {
                Ok(theme) => {
                    own.theme = Some(theme);
                    news.changed = true;
                }
                Err(problem) => drop(news.problem.get_or_insert(problem)),
            }
        }
        news
    }
}

/// What to say of a name that no theme has, neither in the program nor in the operator's folder.
#[must_use]
pub fn unknown_theme(name: &str, folder: Option<&Path>) -> Option<String> {
    let own = folder.map(theme_files).unwrap_or_default();
    if is_embedded(name) || own.contains_key(name) {
        return None;
    }
    let names: Vec<String> = Theme::names().map(str::to_owned).chain(own.into_keys()).collect();
    Some(format!("there is no theme `{}`; there are: {}", name.escape_debug(), names.join(", ")))
}

fn is_embedded(name: &str) -> bool {
    Theme::names().any(|known| known == name)
}

/// `NAME.toml` by name, with path and stamp.
fn theme_files(folder: &Path) -> BTreeMap<String, (PathBuf, Stamp)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().take(4 * MOST) {
        let path = entry.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let plain =
            !name.is_empty() && name.len() <= 32 && name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
        let Ok(facts) = fs::metadata(&path) else { continue };
        if plain && facts.is_file() && path.extension().is_some_and(|end| end == "toml") && files.len() < MOST {
            files.insert(name, (path, (facts.modified().ok(), facts.len())));
        }
    }
    files
}

fn read(path: &Path, length: u64) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if length > LARGEST {
        return Err(format!("{name}: larger than 64 KiB, which no theme is"));
    }
    let mut text = String::new();
    let file = fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    file.map(|_| text).map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::super::ui::theme::Role;
    use super::*;

    fn red(theme: &Theme) -> Option<Color> {
        theme.style(Role::Danger).fg
    }

    #[test]
    fn own_files_add_override_change_break_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("mine.toml"), "[roles]\ndanger = \"#010203\"\n").unwrap();
        fs::write(path("dusk.toml"), "[roles]\ndanger = \"#040506\"\n").unwrap();
        fs::write(path("notes.txt"), "no theme").unwrap();
        let mut themes = Themes::new(Some(folder.path().to_owned()), ColourDepth::TrueColour);
        let start = Instant::now();
        assert_eq!(themes.look(start), News { changed: true, problem: None });
        let names = themes.names();
        assert_eq!((names.len(), names.last().map(String::as_str)), (Theme::names().count() + 1, Some("mine")));
        assert_eq!(red(&themes.get("mine").unwrap()), Some(Color::Rgb(1, 2, 3)));
        assert_eq!(red(&themes.get("dusk").unwrap()), Some(Color::Rgb(4, 5, 6)));

        // Not again within a second; then what is broken keeps its look and says the first problem.
        fs::write(path("mine.toml"), "[roles]\ndangr = \"#0a0b0c0d\"\nwhat = 1\n").unwrap();
        assert_eq!(themes.look(start), News::default());
        let news = themes.look(start + LOOK);
        let problem = news.problem.unwrap();
        assert!(problem.contains("theme mine: roles.dangr") && problem.contains("and 1 more"), "{problem}");
        assert!(!news.changed);
        assert_eq!(red(&themes.get("mine").unwrap()), Some(Color::Rgb(1, 2, 3)));
        assert_eq!(themes.look(start + LOOK * 2), News::default(), "said once");

        fs::remove_file(path("mine.toml")).unwrap();
        assert!(themes.look(start + LOOK * 3).changed);
        assert!(!themes.names().contains(&"mine".to_owned()));
        assert_eq!(themes.get("mine").unwrap().name(), DEFAULT);
    }

    #[test]
    fn without_a_folder_there_are_those_of_the_program() {
        let mut themes = Themes::new(Some(PathBuf::from("/nowhere/at/all")), ColourDepth::Ansi256);
        assert_eq!(themes.look(Instant::now()), News::default());
        assert_eq!(themes.names().len(), Theme::names().count());
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("big.toml"), vec![b'#'; 70 << 10]).unwrap();
        let mut themes = Themes::new(Some(folder.path().to_owned()), ColourDepth::Mono);
        assert!(themes.look(Instant::now()).problem.unwrap().contains("64 KiB"));
        assert!(!themes.names().contains(&"big".to_owned()));
    }
}

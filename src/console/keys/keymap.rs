//! Which keys start which action: the table's, changed by the operator.

use std::collections::BTreeMap;

use crate::console::app::entry;

use super::{ACTIONS, Action, ActionSpec, Chord, Place};

/// Keys by the name of an action, as the section `[keys]` of a configuration has them; the one word `none` takes all away.
pub type Overrides = BTreeMap<String, Vec<String>>;

/// The word that unbinds.
const NONE: &str = "none";
/// Without these there is no way out, or none to answer a question.
const KEPT: [Action; 4] = [Action::Quit, Action::Interrupt, Action::Back, Action::Submit];

/// The keys in use. The table has their defaults; everything that reads or prints a key asks here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    keys: BTreeMap<Action, Vec<Chord>>,
    /// What differs from the table, as it was written.
    overrides: Overrides,
}

impl Default for Keymap {
    fn default() -> Keymap {
        let keys = ACTIONS.iter().map(|row| (row.action, row.keys.to_vec())).collect();
        Keymap { keys, overrides: Overrides::new() }
    }
}

impl Keymap {
    /// The table with these keys in place of its own.
    ///
    /// # Errors
    /// Everything that is wrong with them, a line each: unknown names and keys, actions that need a key, keys that would
    /// mean two things in one place.
    pub fn new(overrides: &Overrides) -> Result<Keymap, Vec<String>> {
        let mut map = Keymap { overrides: overrides.clone(), ..Keymap::default() };
        let mut errors = Vec::new();
        for (name, wanted) in overrides {
            let Some(row) = ACTIONS.iter().find(|row| row.name == name) else {
                errors.push(unknown(name));
                continue;
            };
            match chords(wanted) {
                Ok(chords) => {
                    errors.extend(unusable(row, &chords).map(|why| format!("keys.{name}: {why}")));
                    map.keys.insert(row.action, chords);
                }
                Err(wrong) => {
                    errors.extend(
                        wrong.into_iter().map(|(key, why)| format!("keys.{name} = \"{}\": {why}", key.escape_debug())),
                    );
                }
            }
        }
        errors.extend(map.conflicts());
        if errors.is_empty() { Ok(map) } else { Err(errors) }
    }

    /// What differs from the table.
    #[must_use]
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The keys of an action; none if it was unbound.
    #[must_use]
    pub fn of(&self, action: Action) -> &[Chord] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The key of an action that is printed where there is room for one; `:` finds an action that has none.
    #[must_use]
    pub fn key(&self, action: Action) -> String {
        match self.of(action).first() {
            Some(chord) => chord.to_string(),
            None => action.spec().name.to_owned(),
        }
    }

    /// The keys of an action as help prints them: `Up k`.
    #[must_use]
    pub fn text(&self, action: Action) -> String {
        match self.of(action) {
            [] => NONE.to_owned(),
            keys => keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        }
    }

    /// A place's name in a sentence, with the key that leads there.
    #[must_use]
    pub fn place(&self, place: Place) -> String {
        match (place.screen(), place.name().split_once(" (")) {
            (Some(screen), Some((bare, _))) => format!("{bare} ({})", self.key(screen.action())),
            _ => place.name().to_owned(),
        }
    }

    /// The rows that a key starts somewhere.
    pub fn rows(&self, chord: Chord) -> impl Iterator<Item = &'static ActionSpec> {
        ACTIONS.iter().filter(move |row| self.of(row.action).contains(&chord))
    }

    /// Keys that mean two things in one place, a line each.
    fn conflicts(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (at, row) in ACTIONS.iter().enumerate() {
            for other in &ACTIONS[at + 1..] {
                let Some(place) = row.places.iter().find(|place| other.places.contains(place)) else { continue };
                for key in self.of(row.action).iter().filter(|key| self.of(other.action).contains(key)) {
                    found.push(format!(
                        "keys: `{key}` is both {} and {} on {}; give one of them another key, or \"{NONE}\"",
                        row.name,
                        other.name,
                        place.name()
                    ));
                }
            }
        }
        found
    }
}

/// The keys of an action as they were written, or what is wrong with which of them.
fn chords(wanted: &[String]) -> Result<Vec<Chord>, Vec<(&str, String)>> {
    if let [word] = wanted
        && word.eq_ignore_ascii_case(NONE)
    {
        return Ok(Vec::new());
    }
    let (mut chords, mut wrong) = (Vec::new(), Vec::new());
    for text in wanted {
        match text.parse() {
            Ok(chord) if chords.contains(&chord) => {}
            Ok(chord) => chords.push(chord),
            Err(why) => wrong.push((text.as_str(), why)),
        }
    }
    if wrong.is_empty() { Ok(chords) } else { Err(wrong) }
}

/// Why these keys leave an action without one where it is needed.
fn unusable(row: &ActionSpec, chords: &[Chord]) -> Option<String> {
    if chords.is_empty() {
        return KEPT.contains(&row.action).then(|| "cannot be unbound: it is a way out, or an answer".to_owned());
    }
    let place = row.places.iter().find(|place| !chords.iter().any(|chord| reaches(*chord, **place)))?;
    Some(format!(
        "in {} these keys are typed or edit what is typed; one that does neither is needed (Enter, F5, Alt-x)",
        place.name()
    ))
}

/// Whether a key gets past the field that takes what is typed in a place.
fn reaches(chord: Chord, place: Place) -> bool {
    match place {
        Place::Entry | Place::Palette => !entry::type_key(&mut tui_input::Input::default(), chord),
        Place::Form | Place::Dialog => chord.typed().is_none(),
        _ => true,
    }
}

fn unknown(name: &str) -> String {
    let near = ACTIONS
        .iter()
        .map(|row| (strsim::jaro_winkler(row.name, name), row.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint =
        near.map_or_else(|| "`?` and the palette list them".to_owned(), |(_, near)| format!("did you mean `{near}`?"));
    format!("keys.{}: no such action; {hint}", name.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Key;

    fn overrides(pairs: &[(&str, &[&str])]) -> Overrides {
        pairs
            .iter()
            .map(|(name, keys)| ((*name).to_owned(), keys.iter().map(|key| (*key).to_owned()).collect()))
            .collect()
    }

    fn errors(pairs: &[(&str, &[&str])]) -> String {
        Keymap::new(&overrides(pairs)).unwrap_err().join("\n")
    }

    #[test]
    fn the_table_has_no_conflicts_and_reaches_every_field() {
        assert_eq!(Keymap::new(&Overrides::new()), Ok(Keymap::default()));
        for row in ACTIONS {
            assert_eq!(unusable(row, row.keys), None, "{}", row.name);
        }
    }

    #[test]
    fn keys_are_replaced_and_taken_away() {
        let map = Keymap::new(&overrides(&[("load.pause", &["F5", "Alt-p"]), ("load.stop", &["none"])])).unwrap();
        assert_eq!(map.of(Action::Pause), [Chord::plain(Key::F(5)), Chord { alt: true, ..Chord::char('p') }]);
        assert_eq!(map.text(Action::Pause), "F5 Alt-p");
        assert_eq!((map.text(Action::Stop), map.key(Action::Stop)), ("none".to_owned(), "load.stop".to_owned()));
        assert_eq!(map.rows(Chord::char('p')).count(), 0);
        assert_eq!(map.overrides().len(), 2);
        let map = Keymap::new(&overrides(&[("screen.tuning", &["F2"])])).unwrap();
        assert_eq!(map.place(Place::Tuning), "the tuning screen (F2)");
        assert_eq!(map.place(Place::Batch), Place::Batch.name());
        // A key that was given up is free for another.
        assert!(Keymap::new(&overrides(&[("load.pause", &["f"]), ("view.freeze", &["p"])])).is_ok());
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let all = errors(&[
            ("load.paus", &["P"]),
            ("load.stop", &["Entr", "x"]),
            ("load.pause", &["f"]),
            ("quit", &["none"]),
            ("back", &["b"]),
            ("submit", &["Left"]),
        ]);
        for words in [
            "keys.load.paus: no such action; did you mean `load.pause`?",
            "keys.load.stop = \"Entr\": no such key; did you mean `Enter`?",
            "`f` is both load.pause and view.freeze on the dashboard",
            "keys.quit: cannot be unbound",
            "keys.back: in ",
            "keys.submit: in a field",
        ] {
            assert!(all.contains(words), "{words}\n{all}");
        }
    }

    #[test]
    fn the_same_key_in_places_apart_is_no_conflict() {
        assert!(Keymap::new(&overrides(&[("log.level", &["x"])])).is_ok());
        assert!(errors(&[("load.pause", &["x"])]).contains("requests.failed"));
    }
}

//! What a piece of the screen means. Widgets name roles, never colours.

use ratatui::style::Modifier;

macro_rules! roles {
    ($( $(#[$doc:meta])* $role:ident = $name:literal, $parent:expr, $mono:expr; )*) => {
        /// A meaning that has a look.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $( $(#[$doc])* $role, )* }

        impl Role {
            /// Every role, in the order of their numbers.
            pub const ALL: &'static [Role] = &[$( Role::$role, )*];
            /// How many there are.
            pub const COUNT: usize = Role::ALL.len();

            /// Its name in theme files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Role::$role => $name, )* }
            }

            /// The role whose look it has where a theme does not mention it; `None` only for [`Role::Text`].
            #[must_use]
            pub const fn parent(self) -> Option<Role> {
                match self { $( Role::$role => $parent, )* }
            }

            /// The attributes that carry its meaning where there is no colour.
            #[must_use]
            pub const fn mono(self) -> Modifier {
                match self { $( Role::$role => $mono, )* }
            }
        }
    };
}

const PLAIN: Modifier = Modifier::empty();
const BOLD: Modifier = Modifier::BOLD;
const DIM: Modifier = Modifier::DIM;
const UNDER: Modifier = Modifier::UNDERLINED;
const REVERSE: Modifier = Modifier::REVERSED;
const BOLD_REVERSE: Modifier = Modifier::BOLD.union(Modifier::REVERSED);
const BOLD_UNDER: Modifier = Modifier::BOLD.union(Modifier::UNDERLINED);

roles! {
    /// Ordinary text.
    Text = "text", None, PLAIN;
    /// What need not be read: units, labels, separators in words.
    Muted = "muted", Some(Role::Text), PLAIN;
    /// A value that stands out among text.
    Strong = "strong", Some(Role::Text), BOLD;
    /// The title of a panel.
    Title = "title", Some(Role::Strong), BOLD;
    /// The frame of a panel, rules, axes.
    Border = "border", Some(Role::Muted), PLAIN;
    /// The frame and title of the panel with the focus.
    Focus = "focus", Some(Role::Accent), BOLD;
    /// The one colour of the product.
    Accent = "accent", Some(Role::Strong), BOLD;
    /// Good.
    Ok = "ok", Some(Role::Text), PLAIN;
    /// Look at it.
    Warn = "warn", Some(Role::Strong), BOLD;
    /// Something is wrong, or cannot be undone.
    Danger = "danger", Some(Role::Warn), BOLD_REVERSE;
    /// For the record.
    Info = "info", Some(Role::Accent), PLAIN;
    /// A throttle (429).
    Throttle = "throttle", Some(Role::Warn), BOLD;
    /// The service has no capacity (503).
    Capacity = "capacity", Some(Role::Throttle), BOLD;
    /// The first series of a chart.
    SeriesA = "series_a", Some(Role::Accent), BOLD;
    /// The second.
    SeriesB = "series_b", Some(Role::Info), PLAIN;
    /// The third.
    SeriesC = "series_c", Some(Role::Ok), PLAIN;
    /// The fourth.
    SeriesD = "series_d", Some(Role::Warn), PLAIN;
    /// Quota tokens settled.
    Settled = "settled", Some(Role::SeriesA), BOLD;
    /// Quota tokens held by what is in flight.
    Held = "held", Some(Role::SeriesB), PLAIN;
    /// What the limiter allows itself.
    Target = "target", Some(Role::SeriesC), BOLD;
    /// What the service allows.
    Quota = "quota", Some(Role::SeriesD), BOLD;
    /// The part of a gauge that nothing fills; the grid of a chart.
    Track = "track", Some(Role::Border), PLAIN;
    /// A tuning change marked on a chart.
    Mark = "mark", Some(Role::Info), PLAIN;
    /// The selected row or choice.
    Selection = "selection", Some(Role::Text), REVERSE;
    /// The head of a table's columns.
    Head = "head", Some(Role::Muted), UNDER;
    /// The badge of a simulated target.
    BadgeSim = "badge_sim", Some(Role::Accent), BOLD_REVERSE;
    /// The badge of a real account.
    BadgeAws = "badge_aws", Some(Role::Danger), BOLD_REVERSE;
    /// A key in a hint.
    Key = "key", Some(Role::Accent), BOLD;
    /// What the key does.
    Hint = "hint", Some(Role::Muted), PLAIN;
    /// What cannot be used now.
    Disabled = "disabled", Some(Role::Muted), DIM;
    /// An input field.
    Field = "field", Some(Role::Text), UNDER;
    /// The input field with the focus.
    FieldFocus = "field_focus", Some(Role::Field), BOLD_UNDER;
    /// A button.
    Button = "button", Some(Role::Text), PLAIN;
    /// The button with the focus.
    ButtonFocus = "button_focus", Some(Role::Selection), BOLD_REVERSE;
    /// The ground of a dialog.
    Dialog = "dialog", Some(Role::Text), PLAIN;
}

impl Role {
    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// The series roles in order, over again after the fourth.
    #[must_use]
    pub fn series(index: usize) -> Role {
        [Role::SeriesA, Role::SeriesB, Role::SeriesC, Role::SeriesD][index % 4]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_chain_of_parents_ends_at_text() {
        for role in Role::ALL {
            let mut at = *role;
            for _ in 0..Role::COUNT {
                match at.parent() {
                    Some(parent) => at = parent,
                    None => break,
                }
            }
            assert_eq!(at, Role::Text, "{role:?} has a circle of parents");
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        let names: HashSet<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        assert_eq!(names.len(), Role::COUNT);
        for (index, role) in Role::ALL.iter().enumerate() {
            assert_eq!(*role as usize, index);
            assert_eq!(Role::named(role.name()), Some(*role));
        }
        assert_eq!(Role::named("no such role"), None);
    }

    #[test]
    fn without_colour_states_still_differ() {
        assert_ne!(Role::Danger.mono(), Role::Ok.mono());
        assert_ne!(Role::Warn.mono(), Role::Ok.mono());
        assert_ne!(Role::Warn.mono(), Role::Danger.mono());
        assert_ne!(Role::Selection.mono(), Role::Text.mono());
        assert_ne!(Role::FieldFocus.mono(), Role::Field.mono());
        assert_ne!(Role::ButtonFocus.mono(), Role::Button.mono());
        assert_ne!(Role::Disabled.mono(), Role::Text.mono());
    }
}

use super::colour::Rgb;
use super::*;

fn embedded(name: &str, depth: ColourDepth) -> Theme {
    Theme::embedded(name, depth).unwrap().unwrap()
}

/// Roles that are read as text.
const TEXT: [Role; 24] = [
    Role::Text,
    Role::Muted,
    Role::Strong,
    Role::Title,
    Role::Focus,
    Role::Accent,
    Role::Ok,
    Role::Warn,
    Role::Danger,
    Role::Info,
    Role::Throttle,
    Role::Capacity,
    Role::Settled,
    Role::Held,
    Role::Target,
    Role::Quota,
    Role::Mark,
    Role::Head,
    Role::Key,
    Role::Hint,
    Role::SeriesA,
    Role::SeriesB,
    Role::SeriesC,
    Role::SeriesD,
];

/// Roles that bring their own background.
const ON_OWN: [Role; 8] = [
    Role::Selection,
    Role::BadgeSim,
    Role::BadgeAws,
    Role::Field,
    Role::FieldFocus,
    Role::Button,
    Role::ButtonFocus,
    Role::Dialog,
];

fn contrast(theme: &Theme, role: Role, on: Option<Color>) -> f64 {
    let style = theme.ground().patch(theme.style(role));
    let bg = on.or(style.bg).and_then(Rgb::of).unwrap();
    style.fg.and_then(Rgb::of).unwrap().contrast(bg)
}

#[test]
fn every_embedded_theme_loads_at_every_depth() {
    for name in Theme::names() {
        for depth in [ColourDepth::Mono, ColourDepth::Ansi16, ColourDepth::Ansi256, ColourDepth::TrueColour] {
            assert_eq!(embedded(name, depth).depth(), depth);
        }
    }
    assert!(Theme::embedded("no such theme", ColourDepth::Mono).is_none());
    assert_eq!(Theme::names().next(), Some(DEFAULT));
}

#[test]
fn text_can_be_read_in_every_coloured_theme() {
    for name in Theme::names().filter(|name| *name != "mono") {
        for depth in [ColourDepth::TrueColour, ColourDepth::Ansi256] {
            let theme = embedded(name, depth);
            for role in TEXT {
                let ratio = contrast(&theme, role, None);
                assert!(ratio >= 4.5, "{name} {depth:?}: {} has contrast {ratio:.2}", role.name());
            }
            for role in ON_OWN {
                let ratio = contrast(&theme, role, None);
                assert!(ratio >= 4.5, "{name} {depth:?}: {} has contrast {ratio:.2}", role.name());
            }
            // Disabled text may recede, but not vanish; frames only need to be made out.
            assert!(contrast(&theme, Role::Disabled, None) >= 2.5, "{name} {depth:?}");
            assert!(contrast(&theme, Role::Border, None) >= 1.5, "{name} {depth:?}");
        }
    }
}

#[test]
fn text_can_be_read_on_selected_rows_and_dialogs() {
    for name in Theme::names().filter(|name| *name != "mono") {
        let theme = embedded(name, ColourDepth::TrueColour);
        for under in [Role::Selection, Role::Dialog] {
            let bg = theme.style(under).bg;
            for role in [Role::Text, Role::Strong, Role::Ok, Role::Warn, Role::Danger, Role::Muted, Role::Accent] {
                let ratio = contrast(&theme, role, bg);
                assert!(ratio >= 4.0, "{name}: {} on {} has contrast {ratio:.2}", role.name(), under.name());
            }
        }
    }
}

#[test]
fn sixteen_colours_keep_the_states_apart() {
    for name in Theme::names().filter(|name| *name != "mono") {
        let theme = embedded(name, ColourDepth::Ansi16);
        let looks = [Role::Ok, Role::Warn, Role::Danger, Role::Text, Role::Accent].map(|role| theme.style(role));
        for (index, look) in looks.iter().enumerate() {
            assert!(!looks[index + 1..].contains(look), "{name}: {look:?}");
        }
        let ground = theme.ground();
        for role in TEXT {
            assert_ne!(theme.style(role).fg, ground.bg, "{name}: {} is invisible", role.name());
        }
    }
}

#[test]
fn without_colour_no_colour_is_ever_set() {
    for name in Theme::names() {
        let theme = embedded(name, ColourDepth::Mono);
        assert_eq!((theme.ground().fg, theme.ground().bg), (None, None));
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {role:?}");
        }
        assert_ne!(theme.style(Role::Selection), theme.style(Role::Text));
        assert_ne!(theme.style(Role::Danger), theme.style(Role::Ok));
    }
}

#[test]
fn a_role_that_a_theme_does_not_mention_looks_like_its_parent() {
    let theme = Theme::load("t", "[roles]\naccent = \"#00ff00\"\ntext = \"#ffffff\"", ColourDepth::TrueColour).unwrap();
    assert_eq!(theme.style(Role::Settled).fg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(theme.style(Role::Hint).fg, Some(Color::Rgb(255, 255, 255)));
    assert_eq!(theme.style(Role::Selection).bg, None);
}

#[test]
fn a_theme_comes_down_to_the_terminal() {
    let text = "ground = \"#000000\"\n[palette]\nsea = [\"#5fafff\", \"cyan\"]\n[roles]\naccent = { fg = \"sea\", bold = true }";
    let theme = Theme::load("t", text, ColourDepth::TrueColour).unwrap();
    let accent = |depth| theme.at_depth(depth).style(Role::Accent);
    assert_eq!(accent(ColourDepth::TrueColour).fg, Some(Color::Rgb(0x5f, 0xaf, 0xff)));
    assert_eq!(accent(ColourDepth::Ansi256).fg, Some(Color::Indexed(75)));
    assert_eq!(accent(ColourDepth::Ansi16).fg, Some(Color::Cyan));
    assert_eq!(accent(ColourDepth::Mono).fg, None);
    assert!(accent(ColourDepth::Mono).add_modifier.contains(Modifier::BOLD));
}

#[test]
fn everything_wrong_is_said_at_once_with_its_key() {
    let text = "dark = 3\ncolour = 1\n[palette]\nsea = \"#12\"\nsky = [\"#102030\", \"bleu\"]\n\
                [roles]\nacent = \"sea\"\nok = 7\nwarn = { fg = \"lost\", blod = true, bold = 1 }";
    let error = Theme::load("mine", text, ColourDepth::Mono).unwrap_err();
    let said = error.to_string();
    for expected in [
        "theme `mine`",
        "dark: must be true or false, not integer",
        "colour: unknown key",
        "palette.sea: `#12` is not a colour",
        "palette.sky: `bleu` is not one of the sixteen colours, did you mean `blue`?",
        "roles.acent: unknown role, did you mean `accent`?",
        "roles.ok: must be a colour, not integer",
        "roles.warn.fg: `lost` is neither",
        "roles.warn.blod: unknown key, did you mean `bold`?",
        "roles.warn.bold: must be true or false",
    ] {
        assert!(said.contains(expected), "`{expected}` is not in: {said}");
    }
    let error = Theme::load("mine", "dark = ", ColourDepth::Mono).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert!(!error.to_string().contains('\n'));
}

/// How a colour looks to eyes without one kind of cones: severity 1.0 of Machado, Oliveira and Fernandes, "A
/// Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), on linear light.
fn seen_without(cones: &[[f64; 3]; 3], Rgb(r, g, b): Rgb) -> [f64; 3] {
    let linear = [r, g, b].map(|channel| (f64::from(channel) / 255.0).powf(2.2));
    let mixed = cones.map(|row| row.iter().zip(linear).map(|(weight, part)| weight * part).sum::<f64>());
    mixed.map(|part| part.clamp(0.0, 1.0).powf(1.0 / 2.2))
}

#[test]
fn two_themes_can_be_told_apart_without_red_green_or_blue() {
    const PROTANOPIA: [[f64; 3]; 3] =
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
    const DEUTERANOPIA: [[f64; 3]; 3] =
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];
    const TRITANOPIA: [[f64; 3]; 3] =
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]];
    let groups: [&[Role]; 2] =
        [&[Role::Ok, Role::Warn, Role::Danger], &[Role::Settled, Role::Held, Role::Target, Role::Quota]];
    for file in ["okabe", "tide"] {
        let theme = embedded(file, ColourDepth::TrueColour);
        let seen = |role: &Role, cones: &_| seen_without(cones, theme.style(*role).fg.and_then(Rgb::of).unwrap());
        for (cones, name) in [(PROTANOPIA, "protanopia"), (DEUTERANOPIA, "deuteranopia"), (TRITANOPIA, "tritanopia")] {
            for group in groups {
                for (index, a) in group.iter().enumerate() {
                    for b in &group[index + 1..] {
                        let (x, y) = (seen(a, &cones), seen(b, &cones));
                        let distance = x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                        assert!(
                            distance > 0.15,
                            "{file}, {name}: {} and {} differ by {distance:.3}",
                            a.name(),
                            b.name()
                        );
                    }
                }
            }
        }
    }
}

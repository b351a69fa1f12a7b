//! Every screen at its sizes, compared with the dumps in `tests/screens`. `BLESS=1 cargo test screens` writes them
//! anew; with `PICTURES=folder` each is also written there as SVG, to be looked at.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use super::dump::{styled_dump, text_dump};
use super::glyphs::Glyphs;
use super::theme::Theme;
use super::widgets::Kit;
use super::{fixtures, render, svg};
use crate::config::{Config, Layers, Origin, Said};
use crate::console::app::{ModelPrice, Msg, Overlay, Panel, State, update};
use crate::console::keys::{Chord, Key, Place};
use crate::console::term::{ColourDepth, GlyphLevel};
use crate::control::{CheckReport, ControlSnapshot, Outcome, Stage, Work};
use crate::control::{QuotaRequest, RequestState};
use crate::engine::EngineSnapshot;
use crate::record::Micros;

fn open(snapshot: EngineSnapshot, size: (u16, u16)) -> State {
    let snapshot = Arc::new(snapshot);
    let themes: Vec<String> = Theme::names().map(str::to_owned).collect();
    let mut state = State::new(snapshot.clone(), size, themes, "dusk");
    let at = snapshot.at;
    update(&mut state, Msg::Snapshot(snapshot), at);
    state.prices = vec![ModelPrice {
        model: "anthropic.claude-3-haiku-20240307-v1:0".into(),
        input: Some(0.25),
        output: Some(1.25),
        default_max_output: 4_096,
        bought: None,
    }];
    state
}

fn press(state: &mut State, keys: &str) {
    for key in keys.split_whitespace() {
        let key = match key {
            "Enter" => Key::Enter,
            "Esc" => Key::Esc,
            "Tab" => Key::Tab,
            "Down" => Key::Down,
            "Right" => Key::Right,
            "Left" => Key::Left,
            "Home" => Key::Home,
            _ => Key::Char(key.chars().next().unwrap()),
        };
        let now = state.now + Micros::from_millis(40);
        update(state, Msg::Key(Chord::plain(key)), now);
    }
    // What was said on the way is not what the picture is about.
    state.toast = None;
}

fn draw(state: &State, theme: &Theme, level: GlyphLevel) -> Buffer {
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width: state.size.0, height: state.size.1 });
    let area = buffer.area;
    render(state, Kit::new(theme, Glyphs::of(level)), area, &mut buffer);
    buffer
}

fn aws_idle() -> EngineSnapshot {
    let mut snapshot = fixtures::aws_read_only();
    snapshot.target.read_only = false;
    snapshot
}

/// A screen to look at: the engine, the account, keys pressed, and what happened then.
struct Scene {
    name: &'static str,
    engine: EngineSnapshot,
    account: ControlSnapshot,
    keys: &'static str,
    then: fn(&mut State),
}

impl Scene {
    fn state(&self, size: (u16, u16)) -> State {
        let mut state = open(self.engine.clone(), size);
        let at = state.now;
        update(&mut state, Msg::Control(Arc::new(self.account.clone())), at);
        press(&mut state, self.keys);
        (self.then)(&mut state);
        state.toast = None;
        state
    }
}

fn of_engine(name: &'static str, engine: EngineSnapshot, keys: &'static str) -> Scene {
    Scene { name, engine, account: fixtures::account().0, keys, then: |_| {} }
}

fn of_account(name: &'static str, account: (ControlSnapshot, i64), keys: &'static str) -> Scene {
    Scene { name, engine: fixtures::running(), account: account.0, keys, then: |_| {} }
}

/// The answer to the check that was ordered last.
fn checked(state: &mut State, report: CheckReport) {
    let (mut account, _) = fixtures::account();
    let id = state.orders.last_id();
    let stage = Stage::Done(Outcome::Checked(report));
    account.works.insert(0, Work { id, title: "check prompts.jsonl".into(), since_ms: account.at_ms, stage });
    let at = state.now;
    update(state, Msg::Control(Arc::new(account)), at);
}

const SUBMIT: &str = "4 n n 1 Tab p . j s o n l Enter";

const CONFIG: &str = "target = \"aws\"\nprofile = \"prod\"\n\n[limits]\nshare = 80\nconcurrency = 64\n\n[retry]\nmax_attempts = 6\n\n[[quota]]\nrpm = 200\n\n[accounts.210987654321]\nlabel = \"prod-eu\"\n";

/// What flags, file and environment came to.
fn in_force(state: &mut State) {
    let said = |key, value: &str, origin| Said { key, value: value.to_owned(), origin };
    let layers = Layers {
        flags: vec![said("theme", "dusk", Origin::Flag("--theme".to_owned()))],
        file: Config::parse("/home/op/.config/bedrock-top/config.toml", CONFIG, |_| Vec::new()).unwrap().source,
        found: vec![said("regions", "[\"us-east-1\"]", Origin::Environment("AWS_REGION".to_owned()))],
    };
    state.settings.values = layers.effective();
}

/// Screen 8.
fn settings_scenes() -> Vec<Scene> {
    let scene = |name, engine, keys| Scene { then: in_force, ..of_engine(name, engine, keys) };
    let share = |state: &mut State| {
        in_force(state);
        press(state, "8 / s h a r e Enter");
    };
    let on_share = |state: &mut State| {
        in_force(state);
        press(state, "8 Down Down Down Down Down Down Down Down Down");
    };
    vec![
        scene("settings", fixtures::running(), "8"),
        Scene { then: on_share, ..of_engine("settings-changed-live", fixtures::running(), "") },
        Scene { then: share, ..of_engine("settings-filter", fixtures::aws_read_only(), "") },
        Scene {
            then: |state| {
                in_force(state);
                state.private = true;
            },
            ..of_engine("settings-private", fixtures::aws_read_only(), "8 Down")
        },
    ]
}

/// Work, deadline, growth and use case of a request for quota.
const REQUEST: &str = "6 Down Down N Tab Tab 2 h Tab 2 0 Tab n i g h t l y Tab";

/// What a model unit costs was agreed.
fn priced(state: &mut State) {
    let price = |commitment, usd| crate::control::AgreedPrice {
        model: "anthropic.claude-3-haiku-20240307-v1:0".into(),
        commitment,
        usd,
    };
    state.agreed_prices =
        vec![price(crate::control::Commitment::None, 2.2), price(crate::control::Commitment::OneMonth, 1.6)];
}

/// The account with requests for more, one of each end.
fn asked() -> (ControlSnapshot, i64) {
    let (mut account, now) = fixtures::used_account();
    let states = [RequestState::CaseOpened, RequestState::Approved, RequestState::Denied];
    account.increases.extend(states.into_iter().zip(1..).map(|(state, at)| QuotaRequest {
        region: "us-east-1".into(),
        id: format!("request-{at}"),
        case: Some(format!("17000000{at}")),
        code: "L-254CACF4".to_owned(),
        name: "tokens per minute".to_owned(),
        value: 300_000.0,
        state,
        created_ms: Some(now - at * 3_600_000),
        updated_ms: None,
    }));
    (account, now)
}

/// Screens 3 and 4.
fn account_scenes() -> Vec<Scene> {
    let busy = fixtures::account;
    let check = |name, then| Scene { then, ..of_account(name, fixtures::account(), SUBMIT) };
    vec![
        Scene { engine: aws_idle(), ..of_account("dashboard-watching", fixtures::used_account(), "") },
        of_account("account-used", fixtures::used_account(), "6"),
        of_account("account-request", fixtures::used_account(), "6 Down N"),
        of_account("account-request-ask", fixtures::used_account(), "6 Down N Tab 0 Enter"),
        of_account("account-asked", asked(), "6 Down Enter"),
        of_account("account-request-deadline", fixtures::used_account(), REQUEST),
        of_account("account-requests", asked(), "6 A Down"),
        of_account("ways", fixtures::used_account(), "$"),
        Scene { then: priced, ..of_account("ways-priced", fixtures::used_account(), "$") },
        of_account("ways-account", fixtures::used_account(), "6 w"),
        of_account("account-empty", fixtures::nothing(), "6"),
        of_account("account-detail", fixtures::used_account(), "6 o Down Enter"),
        of_account("provisioned-empty", fixtures::nothing(), "3"),
        of_account("provisioned-busy", busy(), "3"),
        of_account("provisioned-failing", fixtures::failing(), "3 o"),
        of_account("provisioned-detail", busy(), "3 Enter"),
        of_account("provisioned-wizard", busy(), "3 n c h a t - e u Tab Tab"),
        of_account("provisioned-change", busy(), "3 m"),
        of_account("provisioned-buy-unknown-price", busy(), "3 n c h a t - e u Enter"),
        of_account("provisioned-buy-commitment", busy(), "3 n c h a t - e u Tab Tab Tab Tab Right Enter c h a t"),
        of_account("provisioned-delete", busy(), "3 Down Down D s p a r e Tab"),
        of_account("batch-empty", fixtures::nothing(), "4"),
        of_account("batch-busy", busy(), "4 Down"),
        of_account("batch-failing", fixtures::failing(), "4 o"),
        of_account("batch-detail", busy(), "4 Down Down Enter"),
        of_account("batch-wizard", busy(), "4 n n 1 Tab"),
        check("batch-submit", |state| checked(state, fixtures::checked())),
        check("batch-submit-errors", |state| checked(state, fixtures::check_with_errors())),
        of_account("batch-stop", busy(), "4 o X"),
        of_account("batch-fetch", busy(), "4 Down Down d"),
        of_account("batch-recipe", busy(), "4 P"),
        Scene { engine: fixtures::parked(), ..of_account("warnings", fixtures::failing(), "w Down") },
        Scene { engine: fixtures::parked(), ..of_account("warnings-muted", fixtures::failing(), "w Down m") },
        Scene { engine: fixtures::idle(), ..of_account("warnings-none", fixtures::nothing(), "w") },
        of_account("batch-delete-copies", busy(), "4 Down Down D"),
    ]
}

fn scenes() -> Vec<Scene> {
    let mut scenes: Vec<Scene> =
        engine_scenes().into_iter().map(|(name, engine, keys)| of_engine(name, engine, keys)).collect();
    scenes.extend(account_scenes());
    scenes.extend(settings_scenes());
    scenes
}

/// Name, snapshot, keys pressed.
fn engine_scenes() -> Vec<(&'static str, EngineSnapshot, &'static str)> {
    vec![
        ("dashboard-idle", fixtures::idle(), ""),
        ("dashboard-running", fixtures::running(), ""),
        ("dashboard-parked", fixtures::parked(), ""),
        ("dashboard-finished", fixtures::finished(), ""),
        ("dashboard-aws", fixtures::aws_read_only(), ""),
        ("dashboard-leaving", fixtures::running(), "q"),
        ("dashboard-expanded", fixtures::running(), "Tab e"),
        ("dashboard-past", fixtures::running(), "] Left Left Left Left"),
        ("expanded-verdict", fixtures::running(), "e Tab"),
        ("expanded-chart", fixtures::running(), "e Tab Tab Tab Home"),
        ("expanded-flow", fixtures::running(), "e Tab Tab"),
        ("expanded-throttles", fixtures::running(), "e Tab Tab Tab Tab Left"),
        ("expanded-latency", fixtures::running(), "e Tab Tab Tab Tab Tab Tab"),
        ("expanded-quota", fixtures::running(), "e"),
        ("expanded-regions", fixtures::running(), "e Tab Tab Tab Tab Tab"),
        ("expanded-log", fixtures::running(), "e Tab Tab Tab Tab Tab Tab Tab"),
        ("expanded-run", fixtures::running(), "e Tab Tab Tab Tab Tab Tab Tab Tab"),
        ("expanded-money", fixtures::running(), "e Tab Tab Tab Tab Tab Tab Tab Tab Tab"),
        ("requests-fields", fixtures::running(), "5 o / s t a t u s : f a i l e d"),
        ("tuning", fixtures::running(), "2 Down Down"),
        ("tuning-typing", fixtures::running(), "2 Down Enter 1 0 0"),
        ("requests", fixtures::running(), "5 Down Down"),
        ("requests-failed", fixtures::running(), "5 x / w e s t"),
        ("request-detail", fixtures::running(), "5 x Enter"),
        ("log", fixtures::running(), "7"),
        ("scope", fixtures::running(), "Down Enter"),
        ("scope-unknown", fixtures::aws_read_only(), "Down Enter"),
        ("help", fixtures::running(), "?"),
        ("load-form", fixtures::idle(), "L"),
        ("load-consent", aws_idle(), "L Enter"),
        ("themes", fixtures::running(), "t"),
        ("palette", fixtures::running(), ": p a u"),
        ("palette-empty", fixtures::running(), ": p a u s Enter :"),
        ("palette-blocked", fixtures::aws_read_only(), ": l o a d Down Down"),
    ]
}

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
/// One scene of each screen and detail, looked at at the smallest and the largest size too.
const WHOLE_LADDER: [&str; 13] = [
    "dashboard-running",
    "expanded-chart",
    "tuning",
    "provisioned-busy",
    "provisioned-detail",
    "batch-busy",
    "batch-detail",
    "requests",
    "request-detail",
    "log",
    "scope",
    "help",
    "load-form",
];

#[test]
fn screens_are_as_they_were_last_looked_at() {
    let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let bless = std::env::var_os("BLESS").is_some();
    let pictures = std::env::var_os("PICTURES");
    let mut changed = Vec::new();
    for scene in scenes() {
        let name = scene.name;
        let all = WHOLE_LADDER.contains(&name);
        let more: &[(u16, u16)] = if all { &[(60, 15), (200, 60)] } else { &[] };
        for (width, height) in SIZES.iter().chain(more).copied() {
            let state = scene.state((width, height));
            let buffer = draw(&state, &theme, GlyphLevel::Braille);
            let file = folder.join(format!("{name}-{width}x{height}.txt"));
            let dump = styled_dump(&buffer);
            if let Some(pictures) = &pictures {
                let picture = Path::new(pictures).join(format!("{name}-{width}x{height}.svg"));
                std::fs::write(picture, svg::svg(&buffer, &theme, name)).unwrap();
            }
            if bless {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, dump).unwrap();
            } else if std::fs::read_to_string(&file).unwrap_or_default() != dump {
                changed.push(format!("{}\n{}", file.display(), text_dump(&buffer)));
            }
        }
    }
    assert!(changed.is_empty(), "look at them, then BLESS=1:\n{}", changed.join("\n"));
}

/// Three screens on every kind of terminal: a chart and gauges, a list with states, curves.
#[test]
fn lesser_terminals_are_as_they_were_last_looked_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let ladder = [
        ("256-block", ColourDepth::Ansi256, GlyphLevel::Block),
        ("16-block", ColourDepth::Ansi16, GlyphLevel::Block),
        ("mono-ascii", ColourDepth::Mono, GlyphLevel::Ascii),
    ];
    let mut changed = Vec::new();
    for scene in
        scenes().into_iter().filter(|scene| ["dashboard-running", "batch-busy", "ways-priced"].contains(&scene.name))
    {
        for (terminal, depth, level) in ladder {
            let theme = Theme::embedded("dusk", depth).unwrap().unwrap();
            let buffer = draw(&scene.state((120, 40)), &theme, level);
            let file = folder.join(format!("{}-{terminal}.txt", scene.name));
            let dump = styled_dump(&buffer);
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(&file, dump).unwrap();
            } else if std::fs::read_to_string(&file).unwrap_or_default() != dump {
                changed.push(format!("{}\n{}", file.display(), text_dump(&buffer)));
            }
        }
    }
    assert!(changed.is_empty(), "look at them, then BLESS=1:\n{}", changed.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Any scene, with any panel alone on the screen and any time in the charts, at any size: nothing panics, and nothing is
    /// drawn outside the area that was given.
    #[test]
    fn nothing_is_drawn_outside(
        at in any::<prop::sample::Index>(),
        panel in prop::option::of(prop::sample::select(&Panel::ALL[..])),
        keys in "[zZ()gG]{0,12}",
        (width, height) in (1u16..=300, 1u16..=100),
        mono in any::<bool>(),
    ) {
        let scenes = scenes();
        let scene = &scenes[at.index(scenes.len())];
        let mut state = scene.state((width, height));
        if let Some(panel) = panel {
            state.expanded = Some(panel);
        }
        if state.place() == Place::Dashboard {
            keys.chars().for_each(|key| press(&mut state, &key.to_string()));
        }
        let (depth, level) =
            if mono { (ColourDepth::Mono, GlyphLevel::Ascii) } else { (ColourDepth::TrueColour, GlyphLevel::Braille) };
        let theme = Theme::embedded("dusk", depth).unwrap().unwrap();
        let inside = Rect { x: 1, y: 1, width, height };
        let mut buffer = Buffer::filled(Rect { x: 0, y: 0, width: width + 2, height: height + 2 }, Cell::new("#"));
        render(&state, Kit::new(&theme, Glyphs::of(level)), inside, &mut buffer);
        for position in buffer.area.positions().filter(|position| !inside.contains(*position)) {
            prop_assert_eq!(buffer[position].symbol(), "#", "{} at {}x{}: {:?}", scene.name, width, height, position);
        }
    }
}

/// Every scene at every size of a grid, on every kind of terminal: nothing panics, and nothing but the size decides
/// whether there is a screen.
#[test]
fn no_size_and_no_terminal_panics() {
    let widths = [1, 2, 13, 59, 60, 79, 80, 100, 116, 180, 300];
    let heights = [1, 3, 14, 15, 16, 23, 30, 36, 50, 100];
    let ladder = [
        (ColourDepth::TrueColour, GlyphLevel::Braille),
        (ColourDepth::Ansi16, GlyphLevel::Block),
        (ColourDepth::Mono, GlyphLevel::Ascii),
    ];
    let themes = ladder.map(|(depth, level)| (Theme::embedded("dusk", depth).unwrap().unwrap(), level));
    let hostile = ["3", "3 Enter", "3 D", "3 m", "3 c", "4", "4 Enter", "4 n", "4 X", "7"];
    let hostile = hostile.map(|keys| of_account("hostile", fixtures::hostile(), keys));
    for (at, scene) in scenes().into_iter().chain(hostile).enumerate() {
        let name = scene.name;
        let mut state = scene.state((120, 40));
        for (step, width) in widths.into_iter().enumerate() {
            for height in heights {
                state.size = (width, height);
                let (theme, level) = &themes[(at + step) % themes.len()];
                let buffer = draw(&state, theme, *level);
                let text = text_dump(&buffer);
                let tiny = width < 60 || height < 15;
                let asked = matches!(state.overlays.last(), Some(Overlay::Dialog(_)));
                let screen = text.contains("14:15:0") || (asked && text.contains("Cancel"));
                assert_eq!(screen, !tiny, "{name} at {width}x{height}:\n{text}");
            }
        }
    }
}

/// With privacy on nothing that names anybody is in any cell of any screen at any size, be it cut, wrapped or covered.
#[test]
fn privacy_leaves_no_name_on_any_screen() {
    let theme = Theme::embedded("dusk", ColourDepth::Mono).unwrap().unwrap();
    let secrets = ["210987654321", "123456789012", "Ops", "anna", "prod-eu"];
    let words = |text: &str| -> Vec<String> { text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect() };
    let mut seen = 0;
    for scene in scenes() {
        let mut scene = scene;
        let mut targets = vec![fixtures::parked().target];
        if scene.engine.target.account != targets[0].account {
            targets.push(scene.engine.target.clone());
        }
        for target in targets {
            scene.engine.target = target;
            let mut state = scene.state((120, 40));
            state.private = true;
            let name = scene.name;
            for (width, height) in [(60, 15), (73, 22), (80, 24), (97, 31), (120, 40)] {
                state.size = (width, height);
                let levels: &[GlyphLevel] =
                    if width == 80 { &[GlyphLevel::Braille, GlyphLevel::Ascii] } else { &[GlyphLevel::Braille] };
                for &level in levels {
                    let text = text_dump(&draw(&state, &theme, level));
                    let asked = matches!(state.overlays.last(), Some(Overlay::Dialog(_)));
                    assert!(text.contains("PRIVATE") || asked || width < 80, "{name}:\n{text}");
                    for secret in secrets {
                        assert!(!text.contains(secret), "{secret} in {name} at {width}x{height}:\n{text}");
                    }
                    for word in words(&text) {
                        let digits = word.len() >= 5 && word.bytes().all(|c| c.is_ascii_digit());
                        assert!(word.len() != 12 || !digits, "{word} in {name} at {width}x{height}:\n{text}");
                        let piece = digits && secrets[..2].iter().any(|account| account.contains(&word));
                        assert!(!piece, "{word} in {name} at {width}x{height}:\n{text}");
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 250);
}

#[test]
fn too_small_a_terminal_says_what_is_needed() {
    let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
    let state = open(fixtures::running(), (40, 10));
    let text = text_dump(&draw(&state, &theme, GlyphLevel::Braille));
    assert!(text.contains("needs 60x15") && text.contains("has 40x10"), "{text}");
}

/// On a terminal with neither colours nor glyphs every state can still be told apart, and nothing but ASCII is sent.
#[test]
fn ascii_and_mono_say_the_same() {
    let theme = Theme::embedded("dusk", ColourDepth::Mono).unwrap().unwrap();
    for scene in scenes() {
        let name = scene.name;
        let state = scene.state((120, 40));
        let buffer = draw(&state, &theme, GlyphLevel::Ascii);
        for cell in &buffer.content {
            assert!(cell.symbol().is_ascii(), "{name}: `{}`", cell.symbol());
            assert_eq!((cell.fg, cell.bg), (ratatui::style::Color::Reset, ratatui::style::Color::Reset), "{name}");
        }
    }
    let state = open(fixtures::parked(), (120, 40));
    let text = text_dump(&draw(&state, &theme, GlyphLevel::Ascii));
    for words in ["AWS", "PARKED", "credentials expired", "x parked", "open 22s"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

/// What PRODUCT promises at a glance is there at 120x40, and its first five at 80x24.
#[test]
fn the_dashboard_shows_what_is_promised() {
    let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
    let shown = |size| text_dump(&draw(&open(fixtures::running(), size), &theme, GlyphLevel::Braille));
    let small = [
        "SIM",
        "123456789012",
        "us-east-1",
        "RUNNING",
        "data live",
        "14:15:02 UTC", // header
        "1,939",
        "2,047",
        "failed",
        "14:28:14", // run
        "$0.7412",
        "$3.41",
        "cap $5.00", // money
        "settled",
        "held",
        "target",
        "quota",
        "71.9k",
        "15.2k",
        "196k",
        "200k", // quota
        "max_tokens holds 2.9x",
        "lower max_tokens", // verdict (below: whatever their case)
    ];
    let large = [
        "of hold",
        "34.4%",
        "TPD left",
        "49.2M",
        "4.02 of 4.00 /s",
        "96.8%",
        "14 of 64",
        "high 0",
        "oldest 1m11s",
        "syn-002047",
        "1.3s",
        "throttle TPM",
        "capacity",
        "healthy",
        "attempt",
        "logical",
        "response",
        "queue wait",
        "Tokens per minute",
        "last change",
        "-2m",
        "now",
    ];
    let (at_80, at_120) = (shown((80, 24)).to_lowercase(), shown((120, 40)).to_lowercase());
    for words in small {
        assert!(at_80.contains(&words.to_lowercase()), "{words} at 80x24\n{at_80}");
    }
    for words in small.into_iter().chain(large) {
        assert!(at_120.contains(&words.to_lowercase()), "{words} at 120x40\n{at_120}");
    }
}

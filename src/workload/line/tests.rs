use super::*;

fn options() -> InputOptions {
    InputOptions {
        models: vec![ModelId::from("anthropic.claude-3-haiku-20240307-v1:0")],
        api: ApiChoice::Auto,
        max_tokens: None,
        priority: Priority::Medium,
        skip_invalid: false,
    }
}

fn facts(line: &str) -> Result<Facts, Reason> {
    Judge::new(options()).facts(&Shape::read(text(line.as_bytes())?)?)
}

fn body(options: InputOptions, line: &str) -> Result<Body, Reason> {
    let line = Bytes::copy_from_slice(line.as_bytes());
    let judge = Judge::new(options);
    let shape = Shape::read(text(&line)?)?;
    judge.body(&line, &shape, &judge.facts(&shape)?)
}

const CONVERSE: &str =
    r#"{"messages":[{"role":"user","content":[{"text":"Hi  there"}]}],"inferenceConfig":{"maxTokens":300}}"#;

#[test]
fn both_forms_are_taken() {
    let facts = facts(&format!(r#"{{"recordId":"a","modelInput":{CONVERSE},"priority":"high"}}"#)).unwrap();
    assert_eq!((facts.family, facts.max_tokens, facts.priority), (Family::Converse, Some(300), Priority::High));
    assert!(facts.raw_input > 0);
    let body = body(options(), r#" {"prompt":"Caf\u00e9?","max_tokens":7,"deadline":"15m"} "#).unwrap();
    assert_eq!(body.max_tokens, Some(7));
    let sent: serde_json::Value = serde_json::from_slice(&body.json).unwrap();
    assert_eq!(sent, families::converse_body("Café?", Some(7)));
}

#[test]
fn a_body_is_sent_as_it_stands() {
    let spaced = CONVERSE.replace(':', " :\t");
    let body = body(options(), &format!(r#"{{"modelInput":{spaced}}}"#)).unwrap();
    assert_eq!(std::str::from_utf8(&body.json).unwrap(), spaced);
}

#[test]
fn the_most_output_tokens_fill_and_lower_but_never_raise() {
    let at_most = |n| InputOptions { max_tokens: Some(n), ..options() };
    let line = format!(r#"{{"modelInput":{CONVERSE}}}"#);
    let lowered = body(at_most(50), &line).unwrap();
    assert_eq!(lowered.max_tokens, Some(50));
    assert_eq!(std::str::from_utf8(&lowered.json).unwrap(), CONVERSE.replace("300", "50"));
    let kept = body(at_most(5_000), &line).unwrap();
    assert_eq!((kept.max_tokens, kept.json.as_ref()), (Some(300), CONVERSE.as_bytes()));
    let filled = body(at_most(50), r#"{"prompt":"x y"}"#).unwrap();
    assert_eq!(filled.max_tokens, Some(50));
    assert!(std::str::from_utf8(&filled.json).unwrap().contains(r#""maxTokens":50"#));
}

#[test]
fn deadlines_are_times_or_spans() {
    let clock = RunClock::start();
    let begun = clock.utc(Micros::ZERO);
    let on = |text: &str| Deadline::parse(text).map(|deadline| deadline.on(&clock, begun));
    assert_eq!(on("90s"), Some(Micros::from_secs(90)));
    assert_eq!(on("15m"), Some(Micros::from_secs(900)));
    assert_eq!(on("1h 30m"), Some(Micros::from_secs(5_400)));
    assert_eq!(on("PT2H"), Some(Micros::from_secs(7_200)));
    assert_eq!(on(&clock.utc(Micros::from_secs(60)).to_string()), Some(Micros::from_secs(60)));
    assert_eq!(on("2001-01-01T00:00:00+02:00"), Some(Micros::ZERO));
    for bad in ["", "soon", "90", "-5m", "2026-01-31", "2026-01-31T06:00:00"] {
        assert_eq!(on(bad), None, "{bad}");
    }
    let resumed = begun - SignedDuration::from_secs(60);
    assert_eq!(Deadline::After(Micros::from_secs(90)).on(&clock, resumed), Micros::from_secs(30));
}

#[test]
fn what_is_wrong_is_said_without_repeating_a_prompt() {
    for (line, reason) in [
        ("[1]", "not a JSON object"),
        ("\"secret\"", "not a JSON object"),
        (r#"{"modelInput":{}"#, "not usable JSON: EOF while parsing an object at byte 16"),
        (r#"{"prompt":"secret","prompt":"b"}"#, "not usable JSON: duplicate field `prompt`"),
        (r#"{"prompt":"secret"} x"#, "not usable JSON: trailing characters"),
        (r#"{"recordId":5,"prompt":"secret"}"#, "`recordId` must be a string, not a number"),
        (r#"{"recordId":"\ud800","prompt":"secret"}"#, "`recordId` has an escape that is no character"),
        (r#"{"prompt":"secret \udc00"}"#, "`prompt` has an escape that is no character"),
        (r#"{"recordId":"","prompt":"secret"}"#, "`recordId` is empty"),
        (r#"{"recordId":"a"}"#, "has neither `modelInput` nor `prompt`"),
        (r#"{"prompt":"secret","modelInput":{}}"#, "has both"),
        (r#"{"modelInput":"secret"}"#, "`modelInput` must be an object, not a string"),
        (r#"{"prompt":["secret"]}"#, "`prompt` must be a string, not a list"),
        (r#"{"prompt":" \n "}"#, "`prompt` is blank"),
        (r#"{"prompt":"secret","max_tokens":"many"}"#, "`max_tokens` must be a whole number above 0"),
        (r#"{"prompt":"secret","max_tokens":0}"#, "`max_tokens` must be a whole number above 0"),
        (r#"{"modelInput":{},"max_tokens":5}"#, "put the limit into modelInput"),
        (
            r#"{"prompt":"secret","priority":"urgent\u001b"}"#,
            r#"`priority` is high, medium or low, not "urgent\u{1b}""#,
        ),
        (r#"{"prompt":"secret","priority":1}"#, "`priority` is \"high\", \"medium\" or \"low\", not a number"),
        (r#"{"prompt":"secret","deadline":"soon"}"#, "not \"soon\""),
    ] {
        let said = facts(line).unwrap_err();
        assert!(said.contains(reason), "{line}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let long = format!(r#"{{"recordId":"{}","prompt":"x"}}"#, "i".repeat(MAX_ID + 1));
    assert!(facts(&long).unwrap_err().contains("1025 bytes long"));
    assert_eq!(text(b"{\"prompt\":\"\xff\"}").unwrap_err(), "not UTF-8 at byte 12");
}

#[test]
fn members_of_the_users_own_and_of_a_failed_file_are_passed_over() {
    let line =
        format!(r#"{{"recordId":"a","modelInput":{CONVERSE},"error":{{"errorCode":500}},"bedrockTop":{{}},"my":[1]}}"#);
    assert!(facts(&line).is_ok());
    assert!(facts(r#"{"recordId":null,"prompt":"x","priority":null,"deadline":null,"max_tokens":null}"#).is_ok());
}

#[test]
fn an_invoke_body_must_fit_every_model() {
    let llama = ModelId::from("meta.llama3-70b-instruct-v1:0");
    let both = InputOptions { models: vec![options().models[0].clone(), llama], ..options() };
    let claude = r#"{"modelInput":{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user","content":"x"}]}}"#;
    assert!(facts(claude).is_ok());
    let judge = Judge::new(both);
    assert!(judge.facts(&Shape::read(claude).unwrap()).unwrap_err().contains("does not fit meta.llama3"));
    assert!(judge.facts(&Shape::read(&format!(r#"{{"modelInput":{CONVERSE}}}"#)).unwrap()).is_ok());
}

#[test]
fn depth_does_not_break_it() {
    let deep = |n: usize| format!(r#"{{"modelInput":{{"messages":{}{}}}}}"#, "[".repeat(n), "]".repeat(n));
    assert!(facts(&deep(1_000_000)).is_err());
    let user = format!(r#"{{"mine":{}{},"prompt":"x"}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(facts(&user).is_ok(), "what is passed over may be as deep as it likes");
}

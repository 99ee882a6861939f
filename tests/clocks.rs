//! Time limits of cases over sockets: reminded of, extended, paused, breached,
//! across restarts and with a wall clock that jumps.

use std::sync::atomic::{AtomicI64, Ordering};

use comity::v1::{
    self, CaseState, ClockState, conclude_request::Conclusion,
    execution_service_client::ExecutionServiceClient,
};
use comity_sandbox::stories::Story;
use jiff::{SignedDuration, Timestamp};
use tonic::{Code, transport::Channel};

use crate::cli::{comity, shown, stable};
use crate::world::{Cooperation, Scene, eventually, get, reason, search, violations};

const DAY: i64 = 24 * 3600;

/// A wall clock of a test's own, which runs ahead of the real one.
struct Wall(AtomicI64);

impl Wall {
    const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn set_days(&self, days: i64) {
        self.0.store(days * DAY, Ordering::SeqCst);
    }
}

/// A house search in France for Germany, in the hands of the backend.
async fn delivered(scene: &Scene, run: &str) -> (Story, Cooperation, String) {
    let story = search(run);
    let case = scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Acknowledged);
    let client = scene.issuing(story.jurisdiction, story.authority).await;
    (story, client, case.name)
}

/// A clock of a case.
#[track_caller]
fn clock<'a>(case: &'a v1::Case, id: &str) -> &'a v1::CaseClock {
    let clock = case.clocks.iter().find(|clock| clock.clock_id == id);
    clock.unwrap_or_else(|| panic!("no clock {id} in {:#?}", case.clocks))
}

fn kinds(case: &v1::Case) -> Vec<&str> {
    case.events
        .iter()
        .map(|event| event.kind.as_str())
        .collect()
}

/// Waits until a case has an event of a kind.
async fn until(client: &mut Cooperation, name: &str, kind: &str) -> v1::Case {
    eventually(kind, async || {
        let case = get(client, name).await.unwrap();
        kinds(&case).contains(&kind).then_some(case)
    })
    .await
}

/// Waits until the backend has been told of as many events.
async fn told(scene: &Scene, name: &str, notices: &[&str]) {
    eventually("the backend is told", async || {
        let told = scene.backend("FR").notices(name).unwrap();
        (told.len() >= notices.len()).then(|| assert_eq!(told, notices))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_reminded_of_and_breached_once_whatever_the_clock_does() {
    static WALL: Wall = Wall::new();
    let clock_of_test: fn() -> Timestamp = || WALL.now();
    let scene = Scene::start_by(&["DE", "FR"], clock_of_test, |_| ()).await;
    let (story, mut client, name) = delivered(&scene, "limits").await;
    let case = get(&mut client, &name).await.unwrap();
    let (acknowledge, decide, execute) = (
        clock(&case, "eio-16-1"),
        clock(&case, "eio-12-3"),
        clock(&case, "eio-12-4"),
    );
    assert_eq!(acknowledge.state(), ClockState::Met, "on delivery");
    assert_eq!(decide.state(), ClockState::Running);
    assert!(!decide.last_day.is_empty() && decide.calendar == "FR");
    assert_eq!(execute.state(), ClockState::Waiting);
    let mut watched = watch(&mut client, &name, 2).await;

    // The backend is away as the reminder comes, and the gateway dies before it
    // could tell it.
    scene.backend("FR").set_up(false);
    WALL.set_days(25);
    let case = until(&mut client, &name, "clock-reminder").await;
    assert_eq!(clock(&case, "eio-12-3").state(), ClockState::Running);
    let event = watched.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!(event.kind, "clock-reminder");
    assert!(
        event
            .note
            .starts_with("`decide` (dir-2014-41 art 12(3)) runs out at 20")
    );
    assert_eq!(
        (event.actor.as_str(), event.state()),
        ("gateway", CaseState::Acknowledged)
    );
    drop((client, watched));
    let scene = scene.restart_by(clock_of_test).await;
    scene.backend("FR").set_up(true);
    told(&scene, &name, &["clock-reminder"]).await;

    // Back and forth again: nothing is repeated, nothing is early.
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    WALL.set_days(1);
    WALL.set_days(26);
    WALL.set_days(40);
    let case = until(&mut client, &name, "clock-breached").await;
    let decide = clock(&case, "eio-12-3");
    assert_eq!(decide.state(), ClockState::Breached);
    assert_eq!(decide.breached_at, decide.due_at);
    WALL.set_days(2);
    let scene = scene.restart_by(clock_of_test).await;
    WALL.set_days(41);
    told(&scene, &name, &["clock-reminder", "clock-breached"]).await;

    // Done late is done, and the next limit begins.
    let mut executing = scene.executing("FR", "parquet-paris").await;
    report(&mut executing, &name, "", "the search is set for Monday").await;
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let case = get(&mut client, &name).await.unwrap();
    let decide = clock(&case, "eio-12-3");
    assert_eq!(decide.state(), ClockState::Breached);
    let [ended, due] = [decide.ended_at, decide.due_at].map(|at| at.unwrap().seconds);
    assert!(ended > due);
    assert_eq!(clock(&case, "eio-12-4").state(), ClockState::Running);
    let expected = [
        "decision",
        "acknowledged",
        "clock-reminder",
        "clock-breached",
        "progress",
    ];
    assert_eq!(kinds(&case), expected);
    assert_eq!(case.events[4].remark, "the search is set for Monday");
    let entries = scene.entries("kind=clock-breached").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].rules, ["eio-12-3"]);
    // On record once the backend has answered.
    let notices = async || scene.entries("kind=notice").await.len();
    eventually("both are on record", async || {
        (notices().await >= 2).then_some(())
    })
    .await;
    assert_eq!(notices().await, 2);
    scene.stop().await;
}

/// What the requester must mend first has not reached the executing side.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_begins_once_the_request_is_there() {
    static WALL: Wall = Wall::new();
    let scene = Scene::start_by(&["DE", "FR"], || WALL.now(), |_| ()).await;
    let mut story = search("mended");
    story.request.language = "EN".to_owned();
    let case = scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Incomplete);
    WALL.set_days(40);
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let mended = v1::SupplementRequest {
        name: case.name.clone(),
        request_id: "mended/1".to_owned(),
        language: "fr".to_owned(),
        ..v1::SupplementRequest::default()
    };
    client.supplement(mended).await.unwrap();
    let case = until(&mut client, &case.name, "acknowledged").await;
    let decide = clock(&case, "eio-12-3");
    assert_eq!(decide.state(), ClockState::Running);
    let late = decide.started_at.unwrap().seconds - case.received_at.unwrap().seconds;
    assert_eq!(late / DAY, 40);
    // Supplemented where it is, it goes on.
    WALL.set_days(45);
    let more = v1::SupplementRequest {
        name: case.name.clone(),
        request_id: "mended/2".to_owned(),
        answer: "nothing more is known".to_owned(),
        ..v1::SupplementRequest::default()
    };
    client.supplement(more).await.unwrap();
    let again = get(&mut client, &case.name).await.unwrap();
    assert_eq!(clock(&again, "eio-12-3"), decide);
    let data = scene.world.data();
    let rerun = ["audit", "rerun", "--data", data.to_str().unwrap()];
    let told = shown(&comity(rerun));
    assert!(told.starts_with("exit 0\n"), "{told}");
    scene.stop().await;
}

async fn watch(
    client: &mut Cooperation,
    name: &str,
    after_sequence: u32,
) -> tonic::Streaming<v1::WatchCaseResponse> {
    let message = v1::WatchCaseRequest {
        name: name.to_owned(),
        after_sequence,
    };
    client.watch_case(message).await.unwrap().into_inner()
}

async fn report(client: &mut ExecutionServiceClient<Channel>, name: &str, event: &str, note: &str) {
    let message = v1::ReportProgressRequest {
        name: name.to_owned(),
        note: note.to_owned(),
        event: event.to_owned(),
        ..Default::default()
    };
    client.report_progress(message).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executing_side_extends_postpones_and_says_why() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let (_, mut requester, name) = delivered(&scene, "extends").await;
    let before = get(&mut requester, &name).await.unwrap();
    let mut client = scene.executing("FR", "parquet-paris").await;
    let extend = |clock_id: &str, length, reason: &str| v1::ReportProgressRequest {
        name: name.clone(),
        extension: Some(v1::Extension {
            clock_id: clock_id.to_owned(),
            length,
            reason: reason.to_owned(),
        }),
        ..Default::default()
    };
    for (message, field, says) in [
        (
            extend("eio-16-1", None, "why"),
            "extension.clock_id",
            "those are `eio-12-3`",
        ),
        (
            extend("eio-12-3", Some(31), "why"),
            "extension.length",
            "at most 30",
        ),
        (extend("eio-12-3", None, " "), "extension.reason", "say why"),
    ] {
        let status = client.report_progress(message).await.unwrap_err();
        let violations = violations(&status);
        assert!(violations[field].contains(says), "{violations:?}");
    }
    let reason = "art 12(5): an expert is awaited";
    let message = extend("eio-12-3", None, reason);
    client.report_progress(message.clone()).await.unwrap();
    let case = get(&mut requester, &name).await.unwrap();
    let [earlier, later] = [&before, &case].map(|case| clock(case, "eio-12-3"));
    let days = later.due_at.unwrap().seconds - earlier.due_at.unwrap().seconds;
    assert!((28 * DAY..=33 * DAY).contains(&days), "{days}");
    assert_eq!(
        (later.extended, later.extension_reason.as_str()),
        (30, reason)
    );
    assert_eq!(
        case.state(),
        CaseState::Acknowledged,
        "it stays where it is"
    );
    let event = case.events.last().unwrap();
    assert_eq!(
        (event.kind.as_str(), event.remark.as_str()),
        ("extended", reason)
    );
    assert_eq!(event.note, "`decide` is extended by 30");
    let status = client.report_progress(message).await.unwrap_err();
    assert!(violations(&status)["extension.clock_id"].ends_with("there is none"));

    report(&mut client, &name, "recognised", "").await;
    let until = Timestamp::now() + SignedDuration::from_hours(48);
    let until = prost_types::Timestamp {
        seconds: until.as_second(),
        nanos: 0,
    };
    let postpone = |reason: &str| v1::ConcludeRequest {
        name: name.clone(),
        conclusion: Some(Conclusion::Postponement(v1::Postponement {
            reason: reason.to_owned(),
            until: Some(until),
        })),
        form: None,
        request_id: String::new(),
    };
    let status = client.conclude(postpone("")).await.unwrap_err();
    assert!(violations(&status).contains_key("postponement.reason"));
    report(&mut client, &name, "", "").await;
    client.conclude(postpone("art 15(1)(a)")).await.unwrap();
    let case = get(&mut requester, &name).await.unwrap();
    assert_eq!(case.state(), CaseState::Postponed);
    assert_eq!(case.postponement_reason, "art 15(1)(a)");
    assert_eq!(case.postponed_until, Some(until));
    let execute = clock(&case, "eio-12-4");
    assert_eq!(
        (execute.state(), execute.left),
        (ClockState::Paused, Some(90))
    );
    let postponement = clock(&case, "postponement");
    assert_eq!(postponement.due_at, Some(until));
    report(&mut client, &name, "", "").await;
    let case = get(&mut requester, &name).await.unwrap();
    assert_eq!(clock(&case, "eio-12-4").state(), ClockState::Running);
    assert_eq!(clock(&case, "postponement").state(), ClockState::Met);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_reports_its_own_events() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let (_, mut requester, name) = delivered(&scene, "events").await;
    let mut executing = scene.executing("FR", "parquet-paris").await;
    let message = |event: &str| v1::ReportEventRequest {
        name: name.clone(),
        event: event.to_owned(),
        note: "by letter".to_owned(),
        ..Default::default()
    };
    for (event, says) in [
        ("recognised", "those are `clarified`, "),
        ("withdrawn", "is no event that this side reports here"),
        ("", "is missing"),
    ] {
        let status = requester.report_event(message(event)).await.unwrap_err();
        let found = violations(&status);
        assert!(found["event"].contains(says), "{event}: {found:?}");
    }
    let status = {
        let channel = scene.connect("FR", "parquet-paris", "executing").await;
        let mut client = Cooperation::new(channel);
        client.report_event(message("clarified")).await.unwrap_err()
    };
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "PERMISSION_DENIED");

    report(
        &mut executing,
        &name,
        "clarification-requested",
        "which rooms?",
    )
    .await;
    let answer = requester.report_event(message("clarified")).await.unwrap();
    let case = answer.into_inner().case.unwrap();
    assert_eq!(case.state(), CaseState::Acknowledged);
    let case = get(&mut requester, &name).await.unwrap();
    let remarks: Vec<_> = case
        .events
        .iter()
        .skip(2)
        .map(|event| &event.remark)
        .collect();
    assert_eq!(remarks, ["which rooms?", "by letter"]);
    // What people say is sealed: the ledger tells that they said something.
    for entry in scene.entries("kind=clarified").await {
        assert_eq!(entry.note.as_deref(), Some("`clarified` is reported"));
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_is_due_when() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let (story, _, name) = delivered(&scene, "shown").await;
    let mut executing = scene.executing("FR", "parquet-paris").await;
    report(&mut executing, &name, "recognised", "by order of today").await;
    let folder = scene.folder().to_owned();
    let issued = scene
        .world
        .issue(story.jurisdiction, story.authority, "issuing", &[]);
    issued.unwrap().write(&folder, "client").unwrap();
    let server = format!("https://{}", scene.address());
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (path("ca.pem"), path("client.pem"), path("client.key"));
    let run = async |arguments: &[&str]| {
        let connection = ["--server", &server, "--server-name", "localhost"];
        let identity = ["--ca", &ca, "--cert", &cert, "--key", &key];
        let all = ["request"].iter().chain(arguments).chain(&connection);
        let all: Vec<String> = all
            .chain(&identity)
            .map(|part| (*part).to_owned())
            .collect();
        tokio::task::spawn_blocking(move || comity(all))
            .await
            .unwrap()
    };
    let got = shown(&run(&["get", &name]).await);
    let listed = shown(&run(&["list"]).await);
    let mut settings = stable(&folder);
    settings.add_filter(r"\d+ days left", "[n] days left");
    settings.add_filter(r"FR-\d{6}", "[reference]");
    // Of the case only what is said of time limits and events.
    let told = got.lines().filter(|line| {
        let of = ["  clock", "  reference", "  20", "      "];
        of.iter().any(|start| line.starts_with(start))
    });
    let told: Vec<_> = told.collect();
    settings.bind(|| insta::assert_snapshot!(told.join("\n")));
    assert!(listed.contains("next limit"), "{listed}");
    assert!(listed.contains("execute"), "{listed}");
    scene.stop().await;
}

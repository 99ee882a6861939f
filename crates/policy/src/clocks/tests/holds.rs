//! Clocks that hold data back, and clocks that stand still while others run.

use super::*;

#[test]
fn what_holds_data_back_is_not_disarmed_before_it_begins() {
    let held = Clock {
        starts: "suspended".into(),
        stops: names(&["resumed"]),
        extension: None,
        suspends: Vec::new(),
        resumes: Vec::new(),
        holds_release: true,
        ..clock(0, ClockUnit::Open)
    };
    let mut life = Life::of(&held);
    life.event("resumed", at(0));
    assert_eq!(life.clock().state, ClockState::Waiting);
    life.event("suspended", at(HOUR));
    assert_eq!(life.clock().state, ClockState::Running);
    life.event("resumed", at(2 * HOUR));
    assert_eq!(life.clock().state, ClockState::Met);
}

#[test]
fn a_clock_stands_still_until_the_last_reason_for_it_is_gone() {
    let mut other = clock(0, ClockUnit::Open);
    other.rule.rule = "act-2".parse().unwrap();
    let review = Clock {
        starts: "challenged".into(),
        stops: names(&["upheld"]),
        extension: None,
        suspends: Vec::new(),
        resumes: Vec::new(),
        ..other
    };
    let produce = Clock {
        suspends: names(&["asked", "challenged"]),
        resumes: names(&["told", "upheld"]),
        ..clock(10, ClockUnit::Hours)
    };
    let mut life = Life::of(&produce);
    life.decided(&[produce, review], Arrival::Before, at(0));
    life.event("received", at(0));
    for (event, hour, state) in [
        ("asked", 1, ClockState::Paused),
        ("challenged", 2, ClockState::Paused),
        ("told", 3, ClockState::Paused),
        ("upheld", 4, ClockState::Running),
    ] {
        life.event(event, at(hour * HOUR));
        assert_eq!(life.clock().state, state, "{event}");
    }
    assert_eq!(life.due(), at(13 * HOUR));
}

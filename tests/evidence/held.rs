//! Evidence of a case under a legal hold: nobody deletes it.

use super::*;
use crate::{
    audit::hold::{hold, last},
    cli::shown,
};

/// Orders, and is obeyed.
fn ordered(data: &Path, case: &str, more: &[&str]) {
    let output = hold(data, case, more);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_a_held_case_is_not_deleted() {
    let on = Delivered::start("held").await;
    let content = content(MIB);
    let mut executing = on.executing().await;
    assert!(
        executing
            .send(on.upload(&content, 0))
            .await
            .unwrap()
            .complete
    );
    let (data, case) = (on.scene.world.data(), on.case.clone());
    let on = on.restart_after(async || ordered(&data, &case, &[])).await;
    let name = on.name(&content);
    let mut executing = on.executing().await;
    let mut deletions = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (mut party, name) = (executing.clone(), name.clone());
        deletions.spawn(async move { party.delete(&name).await });
    }
    for refused in deletions.join_all().await {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "NOT_ALLOWED_NOW")
        );
        assert!(refused.message().contains("legal hold"), "{refused:?}");
    }
    // It is whole, and can be read.
    let (_, read) = executing.read(&name, 0, 1).await.unwrap();
    assert_eq!(read, content);

    let lift = last(&data, "legal-hold");
    let on = on
        .restart_after(async || ordered(&data, &case, &["--lift", &lift]))
        .await;
    on.executing().await.delete(&name).await.unwrap();
    on.scene.stop().await;
}

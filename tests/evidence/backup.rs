//! Evidence in backups, while items come and go.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use comity_gateway::gateway;

use super::*;
use crate::{
    audit::backup::{backup, put_back},
    world::{configure, policies},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn items_are_in_a_backup_whatever_comes_and_goes_meanwhile() {
    let mut on = Delivered::start("backup").await;
    let large = content(SEGMENT_BYTES + 99);
    let mut executing = on.executing().await;
    executing.send(on.upload(&large, 0)).await.unwrap();
    // One that is being uploaded.
    cut_after(&on, &content(3 * SEGMENT_BYTES), 0, 6).await;
    let data = on.scene.world.data();
    let folder = on.scene.folder().to_owned();
    let stop = Arc::<AtomicBool>::default();
    let passing: Vec<_> = (0..40).map(|_| content(SEGMENT_BYTES / 8)).collect();
    let passing: Vec<_> = passing
        .iter()
        .map(|content| (on.upload(content, 0), on.name(content)))
        .collect();
    let coming_and_going = tokio::spawn({
        let (mut party, stop) = (on.executing().await, Arc::clone(&stop));
        async move {
            let mut gone = 0;
            for (parts, name) in passing {
                party.send(parts).await.unwrap();
                party.delete(&name).await.unwrap();
                gone += 1;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            gone
        }
    });
    let copies = ["first", "second"].map(|name| folder.join(name));
    for copy in &copies {
        let told = shown(&backup(&data, copy, &[]));
        assert!(told.starts_with("exit 0\nbackup: "), "{told}");
        assert!(!copy.join("evidence/aside").exists());
        assert!(!copy.join("evidence/begun").exists());
    }
    stop.store(true, Ordering::Relaxed);
    assert!(coming_and_going.await.unwrap() > 0);
    let without = folder.join("without");
    let told = shown(&backup(&data, &without, &["--skip-evidence"]));
    assert!(
        told.starts_with("exit 0\n") && told.contains("\n  WITHOUT EVIDENCE, as --skip-evidence"),
        "{told}"
    );
    assert!(!without.join("evidence/items").exists());
    on.scene.running.stop().await;

    let [_, copy] = &copies;
    put_back(&data, copy);
    let told = shown(&comity(["audit", "verify", copy.to_str().unwrap()]));
    assert!(
        told.starts_with("exit 0\n") && told.contains(" items of evidence\n"),
        "{told}"
    );
    assert!(!told.contains("no item of evidence was opened"), "{told}");
    let mut config = configure(&on.scene.world, &policies());
    config.data.clone_from(copy);
    on.scene.running = gateway::start(config, Timestamp::now).await.unwrap();
    let (_, bytes) = on
        .executing()
        .await
        .read(&on.name(&large), 0, usize::MAX)
        .await
        .unwrap();
    assert!(bytes == large);
    on.scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_item_that_is_lost_is_missed() {
    let on = Delivered::start("backup-lost").await;
    let small = content(99);
    let mut executing = on.executing().await;
    executing.send(on.upload(&small, 0)).await.unwrap();
    let data = on.scene.world.data();
    let folder = on.scene.folder().to_owned();
    fs::remove_dir_all(data.join("evidence/items")).unwrap();
    let out = folder.join("lost");
    let told = shown(&backup(&data, &out, &[]));
    assert!(
        told.starts_with("exit 2\nerror: no backup was made, and nothing is left of it\n")
            && told.contains("/00000000` (entry ")
            && told.contains("): is missing"),
        "{told}"
    );
    assert!(!out.exists());
    let told = shown(&backup(&data, &out, &["--skip-evidence"]));
    assert!(told.starts_with("exit 0\n"), "{told}");
    // What is copied by other means cannot be opened without its card.
    let mut cards = fs::read_dir(data.join("evidence/kept")).unwrap();
    fs::write(cards.next().unwrap().unwrap().path(), "{}").unwrap();
    let told = shown(&backup(
        &data,
        &folder.join("cardless"),
        &["--skip-evidence"],
    ));
    assert!(
        told.starts_with("exit 2\n") && told.contains("`evidence/kept/"),
        "{told}"
    );
    on.scene.running.stop().await;
}

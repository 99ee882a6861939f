//! Emergencies while ordinary requests flood the gateway: how long they take beside
//! how long they take alone, and whether any is turned away.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::{
    AnyError,
    cli::Plan,
    compare::Runner,
    contender::{Ground, Kind},
    load::{Client, Sample},
    request::{Requests, emergency},
};

/// Places for calls that the gateway is given.
const PLACES: u32 = 64;
/// Ordinary requests under way, for each place.
const FLOOD: u32 = 10;
/// Emergencies under way.
const EMERGENCIES: u32 = 2;
/// Between two emergencies that come now and then.
const SELDOM: Duration = Duration::from_millis(1500);
/// Length of the warm-up.
const WARM_UP: Duration = Duration::from_secs(2);

/// Measures, and prints what was found.
pub(crate) async fn measure(plan: &Plan) -> Result<(), AnyError> {
    let ground = Ground::prepare(&plan.out)?;
    let plan = Plan {
        places: PLACES,
        ..plan.clone()
    };
    let Runner { contender, client } = Runner::start(Kind::Comity, &ground, &plan).await?;
    let urgent = Client::connect(contender.address, &ground.pki).await?;
    let urgent = urgent.asking(emergency as Requests);
    urgent.run(EMERGENCIES, WARM_UP).await?;
    let alone = urgent.run(EMERGENCIES, plan.turn).await?;
    let (flood, beside) =
        tokio::join!(client.run(PLACES * FLOOD, 2 * plan.turn + WARM_UP), async {
            tokio::time::sleep(WARM_UP / 2).await;
            let steady = urgent.run(EMERGENCIES, plan.turn).await?;
            let seldom = urgent.run_at(1, plan.turn, SELDOM).await?;
            Ok::<_, AnyError>((steady, seldom))
        },);
    let (flood, (beside, seldom)) = (flood?, beside?);
    println!(
        "{PLACES} places, {} ordinary requests under way beside {EMERGENCIES} emergencies",
        PLACES * FLOOD
    );
    println!("ordinary          {}", told(&flood));
    println!("emergencies alone {}", told(&alone));
    println!("emergencies       {}", told(&beside));
    println!("now and then one  {}", told(&seldom));
    let p99 = |sample: &Sample| sample.answered.value_at_quantile(0.99) as f64;
    println!("p99 beside / alone: {:.2}", p99(&beside) / p99(&alone));
    for sample in [beside, seldom] {
        if let Some(error) = sample.error {
            return Err(format!("{} emergencies were turned away: {error}", sample.errors).into());
        }
    }
    Ok(())
}

fn told(sample: &Sample) -> String {
    let Sample {
        answered,
        errors,
        elapsed,
        ..
    } = sample;
    let at =
        |answered: &Histogram<u64>, quantile| answered.value_at_quantile(quantile) as f64 / 1000.0;
    format!(
        "{:>6} answered ({:>5.0}/s), {errors:>6} told to come back, p50 {:>6.1} ms, p99 {:>6.1} ms",
        answered.len(),
        answered.len() as f64 / elapsed.as_secs_f64(),
        at(answered, 0.5),
        at(answered, 0.99),
    )
}

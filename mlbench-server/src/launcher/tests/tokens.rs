//! What workers show when they post metrics.

use std::sync::Arc;

use mlbench_core::{RunId, RunState};

use super::cluster::{Life, Script, script};
use super::harness::World;
use crate::token;

fn world(scripts: Vec<Script>) -> World {
    let mut world = World::without_launcher(scripts);
    Arc::make_mut(&mut world.deps.settings).run_tokens = true;
    world.start_launcher();
    world
}

/// The tokens that the ranks were given.
fn given(world: &World) -> Vec<String> {
    let tasks = world.cluster.tasks();
    let variables = tasks.iter().flat_map(|task| task.env.clone());
    variables.filter(|(name, _)| name == "MLBENCH_TOKEN").map(|(_, value)| value).collect()
}

async fn good_for(world: &World, shown: &str) -> Option<RunId> {
    world.storage().run_for_token(token::hash(shown)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_ranks_of_a_run_have_a_token_that_ends_with_it() {
    let world = world(vec![script(Life::Stays); 2]);
    let id = world.start_run().await;
    world.until_started(id).await;
    let tokens = given(&world);
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(good_for(&world, &tokens[0]).await, Some(id));
    world.request_stop(id).await;
    assert_eq!(world.until_ended(id).await.state, RunState::Stopped);
    assert_eq!(good_for(&world, &tokens[0]).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_another_server_life_goes_on_with_leaves_no_rank_without_a_good_token() {
    let mut world = World::without_launcher(vec![script(Life::Stays); 2]);
    Arc::make_mut(&mut world.deps.settings).run_tokens = true;
    let id = world.start_run().await;
    for launched in 1..=2 {
        world.start_launcher();
        world.when(async |world| given(world).len() >= launched).await;
        world.kill_launcher().await;
    }
    world.start_launcher();
    world.until_started(id).await;
    for shown in given(&world) {
        assert_eq!(good_for(&world, &shown).await, Some(id));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_no_token_gives_none() {
    let world = World::new(vec![script(Life::Exits(0))]);
    let id = world.start_run().await;
    world.until_ended(id).await;
    assert_eq!(given(&world), [""; 0]);
}

//! Makes the complete specification of a run from a request: fills in defaults and checks every field.

use std::time::Duration;

use mlbench_core::api::{RunRequest, nearest};
use mlbench_core::quote::quote;
use mlbench_core::run::RunSpec;
use mlbench_core::{Error, ErrorCode, Result};

use super::images::{OFFICIAL_IMAGES, OfficialImage, official};

/// Defaults and limits of this server.
#[derive(Debug, Clone, Copy)]
pub struct RunDefaults<'a> {
    /// Maximum number of workers of a run.
    pub max_workers: u32,
    /// Maximum number of CPU cores of a worker. `None` when only its node limits it.
    pub max_cpus: Option<f64>,
    /// Longest time of a run. `None` for no limit.
    pub max_time: Option<Duration>,
    /// Command of a run that names none, or where the server searched for it.
    pub default_command: Result<&'a str, &'a str>,
}

/// Resolves a request.
///
/// # Errors
/// [`ErrorCode::InvalidField`] naming the field, [`ErrorCode::InsufficientCapacity`] when the cluster is too small,
/// [`ErrorCode::Unavailable`] without workers or a default command.
pub fn resolve(request: &RunRequest, defaults: RunDefaults<'_>) -> Result<RunSpec> {
    let (image, command) = image_and_command(request, defaults)?;
    time_limit(request, defaults.max_time)?;
    Ok(RunSpec {
        num_workers: num_workers(request.num_workers, defaults.max_workers)?,
        num_cpus: num_cpus(request.num_cpus, defaults.max_cpus)?,
        max_bandwidth: request.max_bandwidth,
        image,
        command,
        backend: request.backend()?,
        gpu_enabled: uses_gpus(request),
        light_target: request.light_target,
        use_horovod: request.use_horovod,
        environment: request.environment.clone(),
        needs: request.needs.clone(),
        external: false,
    })
}

/// Describes a run that executes elsewhere. Of what a request names, nothing is checked against this cluster.
///
/// # Errors
/// [`ErrorCode::InvalidField`] naming the field.
pub(super) fn resolve_external(request: &RunRequest) -> Result<RunSpec> {
    if request.needs.time_limit.is_some() {
        let rule = "has no effect on a run that executes elsewhere; remove it, and limit the program itself";
        return Err(Error::invalid("time_limit", rule));
    }
    if request.needs.stop_at_goal {
        let rule = "must be false for a run that executes elsewhere; let its program end at the goal";
        return Err(Error::invalid("stop_at_goal", rule));
    }
    Ok(RunSpec {
        num_workers: request.num_workers.unwrap_or(1),
        num_cpus: request.num_cpus,
        max_bandwidth: request.max_bandwidth,
        image: request.image()?.map(ToOwned::to_owned),
        command: request.custom_image_command.clone().unwrap_or_default(),
        backend: request.backend()?,
        gpu_enabled: uses_gpus(request),
        light_target: request.light_target,
        use_horovod: request.use_horovod,
        environment: request.environment.clone(),
        needs: request.needs.clone(),
        external: true,
    })
}

/// Returns whether a run uses GPUs. A number of them enables them.
const fn uses_gpus(request: &RunRequest) -> bool {
    request.gpu_enabled || request.needs.gpus.is_some()
}

fn num_workers(wanted: Option<u32>, most: u32) -> Result<u32> {
    if most == 0 {
        return Err(Error::new(
            ErrorCode::Unavailable,
            "num_workers: the cluster has no workers now; try again when some are ready",
        ));
    }
    match wanted {
        Some(wanted) if wanted > most => {
            let detail = format!("num_workers: {wanted} requested, {most} available; request at most {most}");
            Err(Error::new(ErrorCode::InsufficientCapacity, detail))
        }
        wanted => Ok(wanted.unwrap_or(most)),
    }
}

fn num_cpus(wanted: Option<f64>, most: Option<f64>) -> Result<Option<f64>> {
    match (wanted, most) {
        (Some(wanted), Some(most)) if wanted > most => {
            let detail = format!("num_cpus: {wanted} cores requested per worker; request at most {most}");
            Err(Error::new(ErrorCode::InsufficientCapacity, detail))
        }
        (wanted, _) => Ok(wanted),
    }
}

fn time_limit(request: &RunRequest, most: Option<Duration>) -> Result<()> {
    match (request.needs.time_limit, most) {
        (Some(wanted), Some(most)) if wanted.duration() > most => {
            let (wanted, most) = (wanted.seconds(), most.as_secs_f64());
            let detail = format_args!("{wanted} s requested; this server ends runs after {most} s");
            Err(Error::invalid("time_limit", detail))
        }
        _ => Ok(()),
    }
}

fn image_and_command(request: &RunRequest, defaults: RunDefaults<'_>) -> Result<(Option<String>, String)> {
    let given = request.custom_image_command.as_deref().map(checked_command).transpose()?;
    let Some(image) = request.image()? else {
        let command = given.map_or_else(|| default_command(defaults), |command| Ok(command.to_owned()))?;
        return Ok((None, command));
    };
    if request.custom_image_name.is_some() {
        let missing = || Error::invalid("custom_image_command", "missing; custom_image needs a command");
        let command = given.ok_or_else(missing)?;
        return Ok((Some(custom_image(image)?.to_owned()), command.to_owned()));
    }
    let image = official(image).ok_or_else(|| no_official_image(image))?;
    if uses_gpus(request) && !image.gpu {
        let (field, rule) =
            if request.gpu_enabled { ("gpu_enabled", "must be false") } else { ("gpus", "must be absent") };
        return Err(Error::invalid(field, format_args!("{rule}; {} cannot use GPUs", image.name)));
    }
    let command = given.map_or_else(|| official_command(request), ToOwned::to_owned);
    Ok((Some(image.reference()), command))
}

/// Returns the command of the official images with the flags of the request's options.
///
/// Only their program is known to take these flags. The launcher gives every command the options as variables.
fn official_command(request: &RunRequest) -> String {
    let flags = [
        (uses_gpus(request), " --gpu"),
        (request.light_target, " --light"),
        (request.use_horovod, " --horovod"),
    ];
    let wanted = flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| *flag);
    std::iter::once(OfficialImage::COMMAND).chain(wanted).collect()
}

fn default_command(defaults: RunDefaults<'_>) -> Result<String> {
    defaults.default_command.map(ToOwned::to_owned).map_err(|searched| {
        let detail =
            format!("custom_image_command: missing, and this server has no default command: {searched}");
        Error::new(ErrorCode::Unavailable, detail)
    })
}

fn checked_command(command: &str) -> Result<&str> {
    let invalid = |rule: &str| Err(Error::invalid("custom_image_command", rule));
    if command.contains('\0') {
        return invalid("contains a NUL character; remove it");
    }
    match shell_words::split(command) {
        Ok(words) if words.first().is_none_or(String::is_empty) => invalid("empty; name a program"),
        Ok(_) => Ok(command),
        Err(_) => invalid("has an unclosed quote; close or escape it"),
    }
}

fn custom_image(name: &str) -> Result<&str> {
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid(
            "custom_image_name",
            format_args!("{} is not an image name; remove the spaces", quote(name)),
        ));
    }
    Ok(name)
}

fn no_official_image(name: &str) -> Error {
    let names = || OFFICIAL_IMAGES.iter().map(|image| image.name);
    let advice = match nearest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("available: {};", names().collect::<Vec<_>>().join(", ")),
    };
    Error::invalid(
        "image_name",
        format_args!(
            "{} is not an official image; {advice} for another image use custom_image with custom_image_name",
            quote(name)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_core::api::Fields;
    use mlbench_core::needs::ByteSize;

    const DEFAULTS: RunDefaults<'_> = RunDefaults {
        max_workers: 4,
        max_cpus: Some(8.0),
        max_time: Some(Duration::from_secs(60)),
        default_command: Ok("mlbench benchmark"),
    };

    fn spec(body: &str) -> Result<RunSpec> {
        resolve(&RunRequest::from_fields(Fields::from_json(body.as_bytes())?)?, DEFAULTS)
    }

    fn refusal(body: &str) -> (ErrorCode, String) {
        let error = spec(body).unwrap_err();
        (error.code(), error.detail().to_owned())
    }

    #[test]
    fn a_name_alone_is_the_default_command_on_all_workers() {
        let spec = spec(r#"{"name":"x"}"#).unwrap();
        assert_eq!((spec.num_workers, spec.command.as_str(), spec.image), (4, "mlbench benchmark", None));
    }

    #[test]
    fn a_command_alone_runs_on_the_static_workers() {
        let spec = spec(r#"{"name":"x","custom_image_command":"sleep 9","num_workers":2}"#).unwrap();
        assert_eq!((spec.num_workers, spec.command.as_str(), spec.image), (2, "sleep 9", None));
    }

    #[test]
    fn an_official_image_brings_its_command_and_a_custom_one_does_not() {
        let name = "mlbench/pytorch-cifar10-resnet20-ddp";
        for written in [name.to_owned(), format!("{name}:latest")] {
            let spec = spec(&format!(r#"{{"name":"x","image_name":"{written}"}}"#)).unwrap();
            assert_eq!(spec.image.as_deref(), Some("mlbench/pytorch-cifar10-resnet20-ddp:latest"));
            assert!(spec.command.starts_with("/conda/bin/python /codes/main.py --run_id {run_id}"));
        }
        let custom = r#"{"name":"x","image_name":"custom_image","custom_image_name":"busybox"}"#;
        assert_eq!(refusal(custom).1, "custom_image_command: missing; custom_image needs a command");
    }

    #[test]
    fn only_the_command_of_an_official_image_gets_flags() {
        let command = |rest: &str| {
            let options = r#""name":"x","gpu_enabled":true,"light_target":true,"use_horovod":true"#;
            spec(&format!("{{{options}{rest}}}")).unwrap().command
        };
        let official = r#","image_name":"mlbench/pytorch-cifar10-resnet20-ddp""#;
        let all = "--backend {backend} --gpu --light --horovod";
        assert_eq!(command(official), OfficialImage::COMMAND.replace("--backend {backend}", all));
        let own = r#","custom_image_command":"train""#;
        let custom = format!(r#","image_name":"custom_image","custom_image_name":"busybox"{own}"#);
        for rest in [own.to_owned(), custom, format!("{official}{own}")] {
            assert_eq!(command(&rest), "train", "{rest}");
        }
        assert_eq!(command(""), "mlbench benchmark");
    }

    #[test]
    fn too_many_workers_name_the_limit() {
        let (code, detail) = refusal(r#"{"name":"x","num_workers":5}"#);
        assert_eq!(code, ErrorCode::InsufficientCapacity);
        assert_eq!(detail, "num_workers: 5 requested, 4 available; request at most 4");
    }

    #[test]
    fn too_many_cores_name_the_limit() {
        let (code, detail) = refusal(r#"{"name":"x","num_cpus":8.5}"#);
        assert_eq!(code, ErrorCode::InsufficientCapacity);
        assert_eq!(detail, "num_cpus: 8.5 cores requested per worker; request at most 8");
        assert_eq!(spec(r#"{"name":"x","num_cpus":8}"#).unwrap().num_cpus, Some(8.0));
        let request = RunRequest::from_fields(Fields::from_json(br#"{"name":"x","num_cpus":999}"#).unwrap());
        let unlimited = RunDefaults { max_cpus: None, ..DEFAULTS };
        assert_eq!(resolve(&request.unwrap(), unlimited).unwrap().num_cpus, Some(999.0));
    }

    #[test]
    fn needs_are_kept_and_a_time_above_that_of_the_server_is_refused() {
        let asked = spec(r#"{"name":"x","memory":"1Gi","gpus":2,"time_limit":60}"#).unwrap();
        assert_eq!(asked.needs.memory.map(ByteSize::bytes), Some(1 << 30));
        assert!(asked.gpu_enabled, "a number of GPUs enables them");
        let (code, detail) = refusal(r#"{"name":"x","time_limit":"61s"}"#);
        assert_eq!(code, ErrorCode::InvalidField);
        assert_eq!(detail, "time_limit: 61 s requested; this server ends runs after 60 s");
    }

    #[test]
    fn a_number_of_gpus_counts_like_gpu_enabled_for_an_official_image() {
        let body = |image: &str| format!(r#"{{"name":"x","image_name":"{image}","gpus":2}}"#);
        let asked = spec(&body("mlbench/pytorch-cifar10-resnet20-ddp")).unwrap();
        assert!(asked.command.ends_with(" --gpu"), "{}", asked.command);
        let (code, detail) = refusal(&body("mlbench/tensorflow-cifar10-resnet"));
        assert_eq!(code, ErrorCode::InvalidField);
        assert!(detail.starts_with("gpus: must be absent; mlbench/tensorflow-cifar10-resnet "), "{detail}");
    }

    #[test]
    fn a_run_that_executes_elsewhere_is_not_ended() {
        let request =
            |body: &str| RunRequest::from_fields(Fields::from_json(body.as_bytes()).unwrap()).unwrap();
        let error = resolve_external(&request(r#"{"name":"x","time_limit":"1h"}"#)).unwrap_err();
        assert!(error.detail().starts_with("time_limit: has no effect on a run that executes elsewhere; "));
        assert!(resolve_external(&request(r#"{"name":"x","memory":"1Gi","goal":"a>=1"}"#)).is_ok());
        let goal = request(r#"{"name":"x","goal":"a>=1","stop_at_goal":true}"#);
        let error = resolve_external(&goal).unwrap_err();
        assert!(
            error.detail().starts_with("stop_at_goal: must be false for a run that executes elsewhere; ")
        );
    }

    #[test]
    fn an_unknown_image_names_the_nearest() {
        let (code, detail) = refusal(r#"{"name":"x","image_name":"mlbench/tensorflow-cifar-resnet"}"#);
        assert_eq!(code, ErrorCode::InvalidField);
        assert!(detail.contains("did you mean mlbench/tensorflow-cifar10-resnet?"), "{detail}");
        let (_, detail) = refusal(r#"{"name":"x","image_name":"busybox"}"#);
        assert!(detail.contains("mlbench/pytorch-backend-benchmark") && detail.contains("custom_image_name"));
    }

    #[test]
    fn an_invalid_command_names_its_field() {
        for command in ["echo 'open", "   ", "''", "a\\u0000b"] {
            let (code, detail) = refusal(&format!(r#"{{"name":"x","custom_image_command":"{command}"}}"#));
            assert_eq!(code, ErrorCode::InvalidField, "{command}");
            assert!(detail.starts_with("custom_image_command: "), "{detail}");
        }
        let gpu = r#"{"name":"x","image_name":"mlbench/tensorflow-cifar10-resnet","gpu_enabled":true}"#;
        assert!(refusal(gpu).1.starts_with("gpu_enabled: must be false"));
        let image = r#"{"name":"x","image_name":"custom_image","custom_image_name":"a b","custom_image_command":"x"}"#;
        assert!(refusal(image).1.starts_with("custom_image_name: "));
    }

    #[test]
    fn missing_workers_or_a_missing_default_are_unavailable() {
        let request = RunRequest::from_fields(Fields::from_json(br#"{"name":"x"}"#).unwrap()).unwrap();
        let no_workers = RunDefaults { max_workers: 0, ..DEFAULTS };
        assert_eq!(resolve(&request, no_workers).unwrap_err().code(), ErrorCode::Unavailable);
        let no_command = RunDefaults { default_command: Err("neither here nor there"), ..DEFAULTS };
        let error = resolve(&request, no_command).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable);
        assert!(error.detail().contains("neither here nor there"));
    }
}

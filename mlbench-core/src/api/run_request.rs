//! The body of `POST /api/runs/`.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::label_fields::{params, tags};
use super::need_fields::needs;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::labels::{ParamValue, Params, Tags};
use crate::name::RunName;
use crate::needs::RunNeeds;
use crate::quote::quote;
use crate::run::Backend;

/// Value of `image_name` that defers to `custom_image_name`.
const CUSTOM_IMAGE: &str = "custom_image";
/// Value of `backend` that defers to `custom_backend`.
const CUSTOM_BACKEND: &str = "custom_backend";
/// Longest name of an image: a repository of 255 bytes with registry, tag or digest.
const MAX_IMAGE_BYTES: usize = 512;
/// Longest command. Linux passes at most 128 KiB as one argument, and placeholders may grow.
const MAX_COMMAND_BYTES: usize = 64 * 1024;
/// Longest name of a backend.
const MAX_BACKEND_BYTES: usize = 100;

/// A run to start. `{"name": …}` alone runs the default command on all workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RunRequest {
    /// Name of the run.
    pub name: RunName,
    /// Number of workers. Defaults to all workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub num_workers: Option<u32>,
    /// CPU cores per worker, possibly fractional.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub num_cpus: Option<f64>,
    /// Bandwidth between workers in megabits per second. Stored but not enforced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub max_bandwidth: Option<f64>,
    /// Name of an official image, or `custom_image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub image_name: Option<String>,
    /// Container image if `image_name` is `custom_image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub custom_image_name: Option<String>,
    /// Command to run. Runs on the static workers unless an image is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub custom_image_command: Option<String>,
    /// `mpi`, `gloo` or `nccl` in any letter case, or `custom_backend`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub backend: Option<String>,
    /// Communication backend if `backend` is `custom_backend`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub custom_backend: Option<String>,
    /// Whether a custom backend starts the command on every worker instead of only the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub run_all_nodes: Option<bool>,
    /// Whether to request GPUs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub gpu_enabled: bool,
    /// Whether to train to the light goal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub light_target: bool,
    /// Whether to use Horovod.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub use_horovod: bool,
    /// Environment variables of the command.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string>", optional))]
    pub environment: Environment,
    /// What the run asks of every worker.
    #[serde(flatten)]
    #[cfg_attr(test, ts(flatten))]
    pub needs: RunNeeds,
    /// Whether the run executes elsewhere and only reports here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub external: bool,
    /// What the run is given, by name.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string | number | boolean>", optional))]
    pub params: Params,
    /// What people sort the run by.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string>", optional))]
    pub tags: Tags,
}

impl RunRequest {
    /// Creates a request that leaves everything but the name to the server.
    #[must_use]
    pub fn named(name: RunName) -> Self {
        Self {
            name,
            num_workers: None,
            num_cpus: None,
            max_bandwidth: None,
            image_name: None,
            custom_image_name: None,
            custom_image_command: None,
            backend: None,
            custom_backend: None,
            run_all_nodes: None,
            gpu_enabled: false,
            light_target: false,
            use_horovod: false,
            environment: Environment::default(),
            needs: RunNeeds::default(),
            external: false,
            params: Params::default(),
            tags: Tags::default(),
        }
    }

    /// Adds a parameter.
    ///
    /// # Errors
    /// Naming a parameter that has another value already, is too long or has an invalid name.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<ParamValue>) -> Result<Self> {
        self.params = self.params.with(&Params::new([(name.into(), value.into())])?)?;
        Ok(self)
    }

    /// Sets a tag.
    ///
    /// # Errors
    /// Naming a tag that is too long or has an invalid name.
    pub fn tag(mut self, name: impl Into<String>, text: impl Into<String>) -> Result<Self> {
        self.tags = self.tags.with(&Tags::new([(name.into(), text.into())])?.into())?;
        Ok(self)
    }

    /// Parses the fields of a request. Empty strings, which forms send, count as absent, except for the name.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the field.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let name =
            fields.text("name")?.ok_or_else(|| Error::invalid("name", "missing; every run needs one"))?;
        let mut optional = |field: &'static str, max_bytes: usize| match fields.text(field)? {
            Some(text) if text.len() > max_bytes => {
                let rule = format_args!("must have at most {max_bytes} bytes, not {}", text.len());
                Err(Error::invalid(field, rule))
            }
            text => Ok(text.filter(|text| !text.is_empty())),
        };
        let (image_name, custom_image_name) =
            (optional("image_name", MAX_IMAGE_BYTES)?, optional("custom_image_name", MAX_IMAGE_BYTES)?);
        let custom_image_command = optional("custom_image_command", MAX_COMMAND_BYTES)?;
        let (backend, custom_backend) =
            (optional("backend", MAX_BACKEND_BYTES)?, optional("custom_backend", MAX_BACKEND_BYTES)?);
        let run = Self {
            name: RunName::new(name)?,
            num_workers: fields.integer("num_workers", 1, u32::MAX)?,
            num_cpus: fields.positive("num_cpus")?,
            max_bandwidth: fields.positive("max_bandwidth")?,
            image_name,
            custom_image_name,
            custom_image_command,
            backend,
            custom_backend,
            run_all_nodes: fields.boolean("run_all_nodes")?,
            gpu_enabled: fields.boolean("gpu_enabled")?.unwrap_or(false),
            light_target: fields.boolean("light_target")?.unwrap_or(false),
            use_horovod: fields.boolean("use_horovod")?.unwrap_or(false),
            environment: Environment::new(fields.pairs("environment", Environment::parse_variable)?)?,
            needs: needs(&mut fields)?,
            external: fields.boolean("external")?.unwrap_or(false),
            params: params(&mut fields)?,
            tags: tags(&mut fields)?,
        };
        fields.finish()?;
        run.image()?;
        run.backend()?;
        run.needs.env_from_secrets.check_beside(&run.environment)?;
        Ok(run)
    }

    /// Returns the requested container image.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) if `image_name` and `custom_image_name` do not match.
    pub fn image(&self) -> Result<Option<&str>> {
        match (self.image_name.as_deref(), self.custom_image_name.as_deref()) {
            (Some(CUSTOM_IMAGE), Some(image)) => Ok(Some(image)),
            (Some(CUSTOM_IMAGE), None) => {
                Err(Error::invalid("custom_image_name", "missing; required when image_name is custom_image"))
            }
            (None, Some(_)) => {
                Err(Error::invalid("image_name", "must be custom_image when custom_image_name is given"))
            }
            (Some(_), Some(_)) => {
                Err(Error::invalid("custom_image_name", "must be absent unless image_name is custom_image"))
            }
            (image, None) => Ok(image),
        }
    }

    /// Returns the requested backend.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) if `backend` is unknown or does not match
    /// `custom_backend`.
    pub fn backend(&self) -> Result<Option<Backend>> {
        let named = self.backend.as_deref().map(str::to_ascii_lowercase);
        let plain = match (named.as_deref(), self.custom_backend.as_deref()) {
            (None, None) => return Ok(None),
            (Some(CUSTOM_BACKEND), Some(name)) => {
                let run_all_nodes = self.run_all_nodes.unwrap_or(false);
                return Ok(Some(Backend::Custom { name: name.to_owned(), run_all_nodes }));
            }
            (Some(CUSTOM_BACKEND), None) => {
                return Err(Error::invalid(
                    "custom_backend",
                    "missing; required when backend is custom_backend",
                ));
            }
            (_, Some(_)) => {
                return Err(Error::invalid("backend", "must be custom_backend when custom_backend is given"));
            }
            (Some("mpi"), None) => Backend::Mpi,
            (Some("gloo"), None) => Backend::Gloo,
            (Some("nccl"), None) => Backend::Nccl,
            (Some(other), None) => {
                let other = quote(other);
                let rule = format_args!("must be mpi, gloo, nccl or custom_backend, not {other}");
                return Err(Error::invalid("backend", rule));
            }
        };
        Ok(Some(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<RunRequest> {
        RunRequest::from_fields(Fields::from_json(body.as_bytes())?)
    }

    #[test]
    fn a_name_is_enough() {
        let run = read(r#"{"name":"Name of the run"}"#).unwrap();
        assert_eq!(run, RunRequest::named(RunName::new("Name of the run").unwrap()));
        assert_eq!(serde_json::to_string(&run).unwrap(), r#"{"name":"Name of the run"}"#);
    }

    #[test]
    fn texts_that_no_system_takes_are_refused() {
        for (field, max, others) in [
            ("custom_image_command", MAX_COMMAND_BYTES, ""),
            ("image_name", MAX_IMAGE_BYTES, ""),
            ("custom_image_name", MAX_IMAGE_BYTES, r#""image_name":"custom_image","#),
            ("custom_backend", MAX_BACKEND_BYTES, r#""backend":"custom_backend","#),
        ] {
            let body = |bytes| format!(r#"{{"name":"x",{others}"{field}":"{}"}}"#, "x".repeat(bytes));
            assert!(read(&body(max)).is_ok(), "{field}");
            let expected = format!("{field}: must have at most {max} bytes, not {}", max + 1);
            assert_eq!(read(&body(max + 1)).unwrap_err().detail(), expected);
        }
    }

    #[test]
    fn forms_of_the_python_client_are_accepted() {
        let body = "name=x&num_workers=1&num_cpus=2.0&max_bandwidth=1000&gpu_enabled=false&light_target=true\
                    &run_all_nodes=false&image_name=custom_image&custom_image_name=busybox&custom_image_command=sleep+9&backend=MPI";
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        let run = RunRequest::from_fields(Fields::from_pairs(
            pairs.map(|(k, v)| (k.to_owned(), v.replace('+', " "))),
        ))
        .unwrap();
        assert_eq!(run.image().unwrap(), Some("busybox"));
        assert_eq!(run.backend().unwrap(), Some(Backend::Mpi));
        assert!(run.light_target && !run.gpu_enabled);
        assert_eq!(run.custom_image_command.as_deref(), Some("sleep 9"));
    }

    #[test]
    fn invalid_combinations_are_refused_with_the_field() {
        let refusal = |body: &str| read(body).unwrap_err().detail().split(':').next().unwrap().to_owned();
        assert_eq!(refusal("{}"), "name");
        assert_eq!(refusal(r#"{"name":"x","image_name":"custom_image"}"#), "custom_image_name");
        assert_eq!(refusal(r#"{"name":"x","custom_image_name":"busybox"}"#), "image_name");
        assert_eq!(refusal(r#"{"name":"x","backend":"mp"}"#), "backend");
        assert_eq!(refusal(r#"{"name":"x","backend":"custom_backend"}"#), "custom_backend");
        assert_eq!(refusal(r#"{"name":"x","num_workers":0}"#), "num_workers");
        assert_eq!(refusal(r#"{"name":"x","num_cpus":-1}"#), "num_cpus");
        assert_eq!(refusal(r#"{"name":7}"#), "name");
    }

    #[test]
    fn an_environment_is_an_object_or_repeated_pairs() {
        let object = read(r#"{"name":"x","environment":{"B":"1=2","A":""}}"#).unwrap();
        let pairs = [("name", "x"), ("environment", "B=1=2"), ("environment", "A="), ("environment", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(RunRequest::from_fields(Fields::from_pairs(pairs)).unwrap(), object);
        let body = serde_json::to_string(&object).unwrap();
        assert_eq!(body, r#"{"name":"x","environment":{"A":"","B":"1=2"}}"#);
        assert!(read(r#"{"name":"x","environment":null}"#).unwrap().environment.is_empty());
    }

    #[test]
    fn an_invalid_environment_is_refused_with_the_variable() {
        let refusal = |json: &str| {
            let body = format!(r#"{{"name":"x","environment":{json}}}"#);
            read(&body).unwrap_err().detail().to_owned()
        };
        assert_eq!(refusal(r#"{"A":1}"#), r#"environment: "A" must be a string, not a number"#);
        assert_eq!(refusal(r#"{"A":null}"#), r#"environment: "A" must be a string, not null"#);
        assert!(refusal(r#"{"A":"\ud800"}"#).starts_with(r#"environment: "A" "#));
        assert_eq!(refusal(r#"["A=1"]"#), "environment: must be an object, not an array");
        assert_eq!(refusal(r#""A=1""#), "environment: must be an object, not a string");
        assert_eq!(refusal(r#"{"A":"1","A":"2"}"#), r#"environment: "A" is there twice; remove one"#);
        assert_eq!(refusal(r#"{"RANK":"1"}"#), r#"environment: "RANK" is set by mlbench; remove it"#);
    }

    #[test]
    fn a_custom_backend_decides_where_the_command_starts() {
        let run =
            read(r#"{"name":"x","backend":"custom_backend","custom_backend":"ring","run_all_nodes":"True"}"#);
        let expected = Backend::Custom { name: "ring".to_owned(), run_all_nodes: true };
        assert_eq!(run.unwrap().backend().unwrap(), Some(expected));
    }
}

use clap::Args;

/// Help section of the flags that select the server.
pub(super) const HEADING: &str = "Server";

/// How to find a server that runs in Kubernetes.
#[derive(Debug, Clone, Args)]
pub(crate) struct KubeArgs {
    /// Reach a server in Kubernetes by kubectl port-forward, instead of --url
    #[arg(long, global = true, help_heading = HEADING, display_order = 902)]
    pub(crate) kube: bool,
    /// Context of kubectl [default: the current context]
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        display_order = 903,
        value_name = "CONTEXT",
        requires = "kube",
    )]
    pub(crate) kube_context: Option<String>,
    /// Namespace of the server [default: the namespace of the context]
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        display_order = 904,
        value_name = "NAMESPACE",
        requires = "kube",
    )]
    pub(crate) kube_namespace: Option<String>,
    /// Release of the server, if the namespace has several
    #[arg(
        long,
        global = true,
        help_heading = HEADING,
        display_order = 905,
        value_name = "NAME",
        requires = "kube",
    )]
    pub(crate) kube_release: Option<String>,
}

impl KubeArgs {
    /// Returns a name of the server in Kubernetes, whose URL changes with every port-forward.
    pub(crate) fn server(&self) -> Option<String> {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let Self { kube_context: context, kube_namespace: namespace, kube_release: release, kube } = self;
        kube.then(|| format!("kubernetes {}/{}/{}", part(context), part(namespace), part(release)))
    }
}

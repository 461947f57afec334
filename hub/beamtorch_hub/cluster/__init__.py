"""Labs as pods of a Kubernetes cluster, with everything else on this machine: what `beamtorch up --cluster` adds."""

# A container of the appliance without systemd: `bringup`, which is what `cargo xtask up` becomes, starts the daemons beside
# it. It exposes the folder /files and keeps keys, hashes and logs in /state, which the caller mounts:
#
#   docker run --user 1000:1000 --publish 127.0.0.1:8000:8000 --volume ~/files:/files --volume llmbasedos:/state llmbasedos
#
# What systemd's sandbox does is not there; Landlock and seccomp are, where the container's host lets a process have them.
{
  pkgs,
  daemons,
}:
pkgs.dockerTools.buildLayeredImage {
  name = "llmbasedos";
  tag = "latest";
  contents = [
    daemons.bringup
    daemons.gateway
    daemons.cap-fs
    daemons.llmbasedos
    daemons.luca-shell
  ];
  config = {
    Entrypoint = [
      "/bin/bringup"
      "--programs"
      "/bin"
      "--state"
      "/state"
      "--root"
      "/files"
    ];
    # All of the container's own addresses: its host decides what it publishes, and a key is needed in any case.
    Env = ["LLMBDO_GATEWAY_HOST=0.0.0.0"];
    ExposedPorts."8000/tcp" = {};
    Volumes = {
      "/files" = {};
      "/state" = {};
    };
  };
}

// The mapping `bench.cloud`, written by hand for Node: a file of lines is mapped to lines on standard output.
"use strict";
const fs = require("fs");

const LIFECYCLES = { spot: "aws.ec2.spot_instance", scheduled: "aws.ec2.scheduled_instance" };
const STATES = { running: "running", stopped: "stopped", terminated: "gone" };
const MONITORED = { enabled: true, disabled: false };
const PIECE = 1 << 18;

function utc(text) {
  if (text.endsWith("+00:00")) return text.slice(0, 19) + "Z";
  return text.endsWith("Z") ? text : new Date(text).toISOString().slice(0, 19) + "Z";
}

// JSON.stringify leaves out what is undefined.
function convert(record) {
  const interfaces = record.NetworkInterfaces;
  const name = record.Tags ? record.Tags.find((tag) => tag.Key === "Name") : undefined;
  const state = record.State.Name;
  return {
    id: record.InstanceId,
    type: record.InstanceLifecycle === undefined ? "aws.ec2.instance" : LIFECYCLES[record.InstanceLifecycle],
    provider: "aws",
    account_id: interfaces && interfaces.length ? interfaces[0].OwnerId : undefined,
    region: record.Placement ? record.Placement.AvailabilityZone : undefined,
    name: name ? name.Value : undefined,
    description: `${record.InstanceType} ${record.ImageId} ${state}`,
    state: STATES[state],
    lifecycle_state: (record.Lifecycle && record.Lifecycle.State) || "live",
    owner_email: record.SecurityGroups ? record.SecurityGroups.map((group) => group.GroupName).join(",") : undefined,
    created_at: record.LaunchTime === undefined ? undefined : utc(record.LaunchTime),
    encrypted: MONITORED[record.Monitoring.State],
  };
}

const file = fs.openSync(process.argv[2], "r");
const piece = Buffer.allocUnsafe(PIECE);
let rest = Buffer.alloc(0);
for (let size; (size = fs.readSync(file, piece)) > 0; ) {
  const read = Buffer.concat([rest, piece.subarray(0, size)]);
  const end = read.lastIndexOf(10) + 1;
  rest = read.subarray(end);
  let out = "";
  for (const line of read.toString("utf8", 0, end).split("\n")) {
    if (line) out += JSON.stringify(convert(JSON.parse(line))) + "\n";
  }
  fs.writeSync(1, out);
}

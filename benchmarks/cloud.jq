# The mapping `bench.cloud` for jq.
{
  id: .InstanceId,
  type: (if .InstanceLifecycle == null then "aws.ec2.instance"
         else {spot: "aws.ec2.spot_instance", scheduled: "aws.ec2.scheduled_instance"}[.InstanceLifecycle] end),
  provider: "aws",
  account_id: .NetworkInterfaces[0].OwnerId,
  region: .Placement.AvailabilityZone,
  name: first(.Tags[] | select(.Key == "Name")).Value,
  description: "\(.InstanceType) \(.ImageId) \(.State.Name)",
  state: {running: "running", stopped: "stopped", terminated: "gone"}[.State.Name],
  lifecycle_state: (.Lifecycle.State // "live"),
  owner_email: ([.SecurityGroups[].GroupName] | join(",")),
  created_at: (.LaunchTime | if endswith("+00:00") then .[:-6] + "Z" else . end),
  encrypted: {enabled: true, disabled: false}[.Monitoring.State]
}
| if .encrypted == null then del(.encrypted) else . end

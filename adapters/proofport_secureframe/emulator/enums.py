"""The closed lists of Secureframe's model mappings, as its published documents give them."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The names of a list that is written as running text."""
    return frozenset(text.split())


TRAINING_SLUGS = words(
    """
    ccpa_training gdpr_training hipaa_training pci_secure_code_training pci_training security_awareness_training
    """
)

#: In every revision (R1, R2, R3).
CLOUD_RESOURCE_TYPES = words(
    """
    account acm_certificate alert analytics api_management_service app_gateway app_workflow athena_workgroup
    audit_config_all_services autoscaling_group batch_account cdn certificate cloudfront_distribution cloudtrail
    cloudwatchlogs_log_group cluster cluster_node_pool compute_backend_service compute_disk compute_instance
    compute_network compute_subnetwork compute_target_http_proxy_list compute_url_map configservice_recorder
    container_cluster container_registry crypto_key database database_backup database_firewall_rule database_replica
    datalake_analytics datalake_storage dms_instance diagnostic_setting dns_managed_zone docker_image domain
    domain_record droplet droplet_neighbor dynamodb_table ec2_image ec2_instance ec2_security_group ec2_snapshot
    ec2_subnet ec2_volume ec2_vpc ec2_vpc_peering_connections ecr_repository efs_filesystem eks_cluster
    elasticloadbalancing elb elbv2 elbv2_listener es_domain event_hub firehose_stream firewall floating_ip
    fsx_file_system glacier_vault guardduty_detector heroku_addon heroku_app iam_certificate iam_group
    iam_mfa_device iam_password_policy iam_role iam_user iam_account iam_credential_report image iot key key_vault
    keyring kinesis_stream kms_key lambda_function load_balancer log_alert log_profile metric
    microsoft_compute_virtualmachines microsoft_compute_virtualmachines_scaleset microsoft_container_images
    microsoft_dbformysql_servers microsoft_dbforpostgresql_servers microsoft_sql_servers
    microsoft_sql_servers_blob_auditing_policy microsoft_sql_servers_databases microsoft_storage_storageaccounts
    monitoring_alert_policy nat_gateway network_load_balancer network_watcher organizations_account
    policy_assignment project project_resource public_ip_address rds_cluster rds_instance rds_snapshot redis_service
    resourcemanager_project redshift region registry registry_repository route53domain route_table s3_bucket
    sagemaker_notebook search_service security_auto_provisioning_setting security_contact security_group servicebus
    service_account ses_dkim ses_ruleset snapshot sns_topic space space_cor sql_instance sqs_queue ssl_proxy
    ssm_instance ssm_parameter storage_bucket storage_container storage_volume subscription transfer_server
    virtual_network vpc vpc_member web_app_service xray_encryption_config
    """
)

#: Only in the newest one (R3).
CLOUD_RESOURCE_TYPES_ADDED = words(
    """
    authentication_policy authorization_role_assignment check_point_quantum_access_layer
    check_point_quantum_access_role check_point_quantum_access_rule check_point_quantum_access_rulebase
    check_point_quantum_host check_point_quantum_https_layer check_point_quantum_https_rulebase
    check_point_quantum_ips_status check_point_quantum_nat_rulebase check_point_quantum_network
    check_point_quantum_tcp_service check_point_quantum_threat_indicator check_point_quantum_udp_service
    data_collection_rule data_collection_rule_association datadog_dashboard datadog_monitor
    desktop_virtualization_application_group desktop_virtualization_host_pool desktop_virtualization_workspace
    microsoft_sentinel_alert_rule microsoft_sentinel_content_package microsoft_sentinel_data_connector
    microsoft_sentinel_incident microsoft_sentinel_threat_indicator monitor_action_group
    monitor_scheduled_query_rule network_interface network_policy operational_insights_workspace password_policy
    security_pricing virtual_machine_extension
    """
)

"""What ``make accuracy`` measures, on real mails beside the project."""

"""What `plan_campaign` answers: for every design what it would find, what it costs, and whom its rules stop."""

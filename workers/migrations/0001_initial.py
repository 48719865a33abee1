import annotations.storage.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('annotations', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Listener',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='host and process', max_length=200, unique=True)),
                ('queues', models.JSONField(help_text='names of the queues it listens to')),
                ('presets', models.JSONField(default=list, help_text='what trains the pretrained models on its host')),
                ('seen_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'worker process',
                'verbose_name_plural': 'worker processes',
            },
        ),
        migrations.CreateModel(
            name='Generation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, validators=[annotations.storage.fields.validate_name])),
                ('config', models.JSONField(default=dict, help_text='what was asked for, complete')),
                ('simulated', models.BooleanField(default=False, help_text='it learned from simulated raters')),
                ('accepts_worse', models.BooleanField(default=False, help_text='it goes on although guard rails call its model worse')),
                ('problem', models.TextField(blank=True, default='', help_text='why the next run was not made')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('stopped_at', models.DateTimeField(blank=True, help_text='when a person stopped it', null=True)),
                ('completed_at', models.DateTimeField(blank=True, help_text='when its last run was done', null=True)),
                ('before', models.ForeignKey(help_text='the model that it goes on from', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='annotations.system')),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='generations', to='annotations.dataset')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('name'), 100)), name='generation_name_length', violation_error_message='A name has 1 to 100 characters.')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('train', 'Train'), ('decode', 'Decode'), ('score', 'Score'), ('feedback', 'Feedback'), ('reward', 'Reward'), ('attention', 'Attention'), ('import', 'Import'), ('pictures', 'Pictures'), ('fetch', 'Fetch'), ('campaign', 'Campaign')], max_length=9)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=9)),
                ('queue', models.CharField(choices=[('cpu', 'cpu'), ('gpu', 'gpu')], default='cpu', max_length=3)),
                ('config', models.JSONField(default=dict, help_text='what was asked for, complete: a retry needs nothing else')),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('stalled_attempts', models.PositiveIntegerField(default=0, help_text='given up in a row, none getting further')),
                ('deaths', models.PositiveIntegerField(default=0, help_text='worker processes that died while they did it')),
                ('claimed_by', models.CharField(blank=True, help_text='host and process of the claim', max_length=200)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('cancel_requested', models.BooleanField(default=False)),
                ('rung_at', models.DateTimeField(blank=True, help_text='when the workers were last told of it', null=True)),
                ('fraction', models.FloatField(default=0.0, help_text='progress, 0 to 1')),
                ('message', models.CharField(blank=True, help_text='what it is doing, or how it ended', max_length=500)),
                ('history', models.JSONField(default=list, help_text='rows of a curve over the run: step, loss, …')),
                ('log', models.JSONField(default=list, help_text='its last lines: [ISO time, text]')),
                ('fraction_at_claim', models.FloatField(default=0.0, help_text='how far it was when this attempt began')),
                ('result', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.campaign')),
                ('dataset', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.dataset')),
                ('decoding', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='run', to='annotations.decoding')),
                ('feedback_set', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='annotations.feedbackset')),
                ('import_row', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='run', to='annotations.import')),
                ('generation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='workers.generation')),
                ('step', models.CharField(blank=True, choices=[('feedback', 'Build the feedback set'), ('reward', 'Fit a reward model'), ('train', 'Train the new model'), ('decode_before', 'Decode with the model before'), ('decode', 'Decode with the new model'), ('score', 'Score both'), ('campaign', 'Open the campaign')], help_text='of the generation', max_length=13)),
                ('system', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='annotations.system')),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'queue'], name='run_by_state')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['train', 'decode', 'score', 'feedback', 'reward', 'attention', 'import', 'pictures', 'fetch', 'campaign'])), name='run_kind_known'), models.CheckConstraint(condition=models.Q(models.Q(('heartbeat_at__isnull', False), ('state', 'running')), models.Q(('state', 'running'), _negated=True), _connector='OR'), name='run_running_beats'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state__in', ['done', 'failed', 'cancelled'])), models.Q(('finished_at', None), ('state__in', ['queued', 'running'])), _connector='OR'), name='run_finished_has_time'), models.CheckConstraint(condition=models.Q(('fraction__gte', 0), ('fraction__lte', 1)), name='run_fraction_in_range'), models.UniqueConstraint(condition=models.Q(('kind', 'train'), ('state__in', ['queued', 'running', 'done'])), fields=('system',), name='run_one_training_a_system'), models.UniqueConstraint(fields=('generation', 'step'), name='run_one_of_each_step')],
            },
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('directory', models.CharField(help_text='relative to VAR_DIR', max_length=500)),
                ('sha256', models.CharField(help_text='of the weights file', max_length=64)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('metrics', models.JSONField(default=dict)),
                ('worse', models.TextField(blank=True, default='', help_text='what learning from feedback has cost, where that is too much to offer it')),
                ('pruned_at', models.DateTimeField(blank=True, help_text='when its files were removed; the row stays', null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('system', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='checkpoint', to='annotations.system')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='checkpoint', to='workers.run')),
            ],
        ),
        migrations.CreateModel(
            name='RewardModel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, validators=[annotations.storage.fields.validate_name])),
                ('directory', models.CharField(help_text='relative to VAR_DIR', max_length=500)),
                ('sha256', models.CharField(help_text='of the head', max_length=64)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('agreement', models.JSONField(help_text='with raters it did not see, beside their own, with intervals')),
                ('simulated', models.BooleanField(default=False, help_text='its feedback set is of simulated raters')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reward_models', to='annotations.dataset')),
                ('feedback_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reward_models', to='annotations.feedbackset')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='reward_model', to='workers.run')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('name'), 100)), name='reward_model_name_length', violation_error_message='A name has 1 to 100 characters.')],
            },
        ),
    ]

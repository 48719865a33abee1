import annotations.fields
import annotations.models.campaigns
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Dataset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, validators=[annotations.fields.validate_name])),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('removed_at', models.DateTimeField(editable=False, help_text='its rows are on their way out', null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('name'), 100)), name='dataset_name_length', violation_error_message='A name has 1 to 100 characters.')],
            },
        ),
        migrations.CreateModel(
            name='System',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, validators=[annotations.fields.validate_name])),
                ('kind', models.CharField(choices=[('human', 'people'), ('baseline', 'baseline (the caption itself, a random training story)'), ('model', 'trained here'), ('file', 'uploaded outputs')], max_length=8)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('removed_at', models.DateTimeField(editable=False, help_text='its rows are on their way out', null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('name'), 100)), name='system_name_length', violation_error_message='A name has 1 to 100 characters.'), models.CheckConstraint(condition=models.Q(('kind__in', ['human', 'baseline', 'model', 'file'])), name='system_kind_known')],
            },
        ),
        migrations.CreateModel(
            name='FeedbackSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, validators=[annotations.fields.validate_name])),
                ('settings', models.JSONField(help_text='how ratings became weights')),
                ('sha256', models.CharField(max_length=64)),
                ('counts', models.JSONField(default=dict)),
                ('valid', models.BooleanField(default=True, help_text='false once words it holds were erased')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='feedback_sets', to='annotations.dataset')),
                ('unfinished_until', models.DateTimeField(editable=False, help_text='being made, or removed: nobody sees it, and past this time the sweeper removes it', null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('name'), 100)), name='feedback_set_name_length', violation_error_message='A name has 1 to 100 characters.')],
            },
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(help_text='SHA-256 of the files and of how they were read', max_length=64)),
                ('description', models.CharField(help_text="the files' names and the options", max_length=500)),
                ('state', models.CharField(choices=[('writing', 'Writing'), ('complete', 'Complete'), ('removing', 'Removing')], default='writing', max_length=8)),
                ('counts', models.JSONField(default=dict, help_text='rows written, by kind')),
                ('outcome', models.JSONField(default=dict, help_text='rows recognised and what was attached, by kind; texts replaced, and those that stood there twice')),
                ('superseded', models.BooleanField(default=False, help_text='what it wrote or recognised was replaced or removed since: its file again is compared anew')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='imports', to='annotations.dataset')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['writing', 'complete', 'removing'])), name='import_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('completed_at', None), ('state__in', ['writing', 'removing'])), models.Q(('completed_at__isnull', False), ('state', 'complete')), _connector='OR'), name='import_complete_has_time'), models.UniqueConstraint(condition=models.Q(('state', 'writing')), fields=('dataset',), name='import_one_writing'), models.UniqueConstraint(condition=models.Q(('state', 'complete'), ('superseded', False)), fields=('dataset', 'fingerprint'), name='import_file_once')],
            },
        ),
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, validators=[annotations.fields.validate_name])),
                ('token', models.CharField(default=annotations.models.campaigns.new_token, help_text="in the raters' link", max_length=40, unique=True)),
                ('purpose', models.CharField(choices=[('evaluation', 'evaluation (test albums; can never feed training)'), ('feedback', 'feedback (feedback albums; can never be called a test result)')], max_length=10)),
                ('split', models.CharField(choices=[('train', 'Train'), ('feedback', 'Feedback'), ('valid', 'Valid'), ('test', 'Test')], max_length=8)),
                ('unit', models.CharField(choices=[('sentence', 'Sentence'), ('story', 'Story')], max_length=8)),
                ('protocol', models.CharField(max_length=20)),
                ('show', models.CharField(choices=[('photo', 'Photo'), ('caption', 'Caption'), ('both', 'Both'), ('none', 'None')], max_length=8)),
                ('criteria', models.JSONField(help_text='names of the criteria, in order')),
                ('instructions', models.TextField(blank=True, help_text='shown to raters before the first screen, and on request')),
                ('consent', models.TextField(blank=True, help_text='what raters agree to by beginning; empty: the built-in text')),
                ('overlap', models.PositiveSmallIntegerField(help_text='raters per item, at most')),
                ('seed', models.PositiveIntegerField(default=1)),
                ('order_secret', models.CharField(default=annotations.models.campaigns.new_secret, editable=False, help_text='draws the order of texts; nobody is shown it', max_length=64)),
                ('minimum_answers', models.PositiveIntegerField(default=1, help_text='answers needed for a completion code')),
                ('primary', models.JSONField(default=list, help_text='two systems and a criterion whose difference was declared first')),
                ('family', models.CharField(choices=[('criterion', 'all pairs by one criterion'), ('campaign', 'all pairs by all criteria')], default='criterion', help_text='the differences that Holm adjusts together', max_length=9)),
                ('looks', models.PositiveSmallIntegerField(default=1, help_text='at the results, declared beforehand, at equal shares of the screens; the last at the end')),
                ('spending', models.CharField(choices=[('obrien-fleming', "O'Brien and Fleming: nearly all of it at the end"), ('pocock', 'Pocock: evenly')], default='obrien-fleming', help_text='how the looks share out alpha', max_length=14)),
                ('equivalence_margin', models.FloatField(blank=True, help_text='a difference below which systems are as good as equal, declared beforehand: in points of the scale, of choices the distance of a share won from one half', null=True)),
                ('scale', models.JSONField(blank=True, default=list, help_text="lowest and highest score; empty: the protocol's own")),
                ('scale_found', models.BooleanField(default=False, help_text='the scale is the smallest and the largest score of imported ratings')),
                ('import_facts', models.JSONField(blank=True, default=dict, help_text='what an import made of the file of ratings: its form, repeats, blanks, names')),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('open', 'Open'), ('paused', 'Paused'), ('closed', 'Closed')], default='open', max_length=6)),
                ('item_count', models.PositiveIntegerField(help_text='items it was made with')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('archived_at', models.DateTimeField(blank=True, help_text='put away from the list; nothing is lost', null=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='annotations.dataset')),
                ('imported_by', models.ForeignKey(blank=True, help_text='its ratings were collected elsewhere', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='annotations.import')),
                ('unfinished_until', models.DateTimeField(editable=False, help_text='being made, or removed: nobody sees it, and past this time the sweeper removes it', null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Length('name'), 100)), name='campaign_name_length', violation_error_message='A name has 1 to 100 characters.'), models.CheckConstraint(condition=models.Q(models.Q(('purpose', 'evaluation'), ('split', 'test')), models.Q(('purpose', 'feedback'), ('split', 'feedback')), _connector='OR'), name='campaign_purpose_fits_split', violation_error_message='An evaluation campaign shows test albums, a feedback one feedback albums.'), models.CheckConstraint(condition=models.Q(('family__in', ['criterion', 'campaign'])), name='campaign_family_known'), models.CheckConstraint(condition=models.Q(('spending__in', ['obrien-fleming', 'pocock'])), name='campaign_spending_known'), models.CheckConstraint(condition=models.Q(('equivalence_margin', None), ('equivalence_margin__gt', 0), _connector='OR'), name='campaign_equivalence_margin_positive', violation_error_message='An equivalence margin is above 0.'), models.CheckConstraint(condition=models.Q(('looks__gte', 1)), name='campaign_looks_positive'), models.CheckConstraint(condition=models.Q(('overlap__gte', 1)), name='campaign_overlap_positive'), models.CheckConstraint(condition=models.Q(('item_count__gte', 1)), name='campaign_has_items'), models.CheckConstraint(condition=models.Q(('minimum_answers__gte', 1), ('minimum_answers__lte', models.F('item_count'))), name='campaign_minimum_answers_within_items', violation_error_message='A completion code needs from one answer to as many as there are items.'), models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'open', 'paused', 'closed'])), name='campaign_state_known'), models.CheckConstraint(condition=models.Q(('archived_at', None), ('state__in', ['draft', 'closed']), _connector='OR'), name='campaign_archived_takes_no_ratings')],
            },
        ),
        migrations.CreateModel(
            name='Decoding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('split', models.CharField(choices=[('train', 'Train'), ('feedback', 'Feedback'), ('valid', 'Valid'), ('test', 'Test')], max_length=8)),
                ('settings', models.JSONField(default=dict)),
                ('fingerprint', models.CharField(help_text='SHA-256 of the settings, and of the weights or the file', max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='decodings', to='annotations.dataset')),
                ('imported_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='decodings', to='annotations.import')),
                ('system', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decodings', to='annotations.system')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('system', 'dataset', 'split', 'fingerprint'), name='decoding_once'), models.CheckConstraint(condition=models.Q(('split__in', ['train', 'feedback', 'valid', 'test'])), name='decoding_split_known')],
            },
        ),
        migrations.CreateModel(
            name='Album',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=200)),
                ('split', models.CharField(choices=[('train', 'Train'), ('feedback', 'Feedback'), ('valid', 'Valid'), ('test', 'Test')], max_length=8)),
                ('title', models.CharField(blank=True, max_length=500)),
                ('dataset', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='albums', to='annotations.dataset')),
                ('imported_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.import')),
            ],
            options={
                'indexes': [models.Index(fields=['dataset', 'split'], name='album_by_split')],
                'constraints': [models.UniqueConstraint(fields=('dataset', 'external_id'), name='album_once'), models.CheckConstraint(condition=models.Q(('split__in', ['train', 'feedback', 'valid', 'test'])), name='album_split_known')],
            },
        ),
        migrations.CreateModel(
            name='Photo',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=200)),
                ('url', models.URLField(blank=True, help_text='where the photo was published', max_length=500)),
                ('image', models.CharField(blank=True, help_text="path of the picture's file, relative to VAR_DIR where it lies below it", max_length=500)),
                ('album', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='photos', to='annotations.album')),
                ('imported_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.import')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('album', 'external_id'), name='photo_once')],
            },
        ),
        migrations.CreateModel(
            name='Rater',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('outside_id', models.CharField(blank=True, max_length=200, null=True)),
                ('session_hash', models.CharField(help_text="SHA-256 of the session's token", max_length=64, unique=True)),
                ('trial', models.BooleanField(default=False, help_text="a dry run: takes nobody's place, and never counts")),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('excluded_at', models.DateTimeField(blank=True, help_text='from then on left out of the results', null=True)),
                ('exclusion', models.CharField(blank=True, help_text='why they are left out, in words', max_length=300)),
                ('replaced', models.BooleanField(db_default=False, default=False, help_text='left out, and others rate what they had rated')),
                ('completion_code', models.CharField(blank=True, help_text='made when it is earned and shown', max_length=20, null=True, unique=True)),
                ('enough_answers', models.PositiveIntegerField(blank=True, help_text='what they had answered, none skipped, when nothing was left for them', null=True)),
                ('erased_at', models.DateTimeField(blank=True, help_text='from then on nothing here says who they are', null=True)),
                ('erased_as', models.UUIDField(blank=True, help_text='random; the same in all campaigns in which one person was erased at once', null=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='raters', to='annotations.campaign')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('erased_as', None), ('erased_at', None)), models.Q(('completion_code', None), ('erased_as__isnull', False), ('erased_at__isnull', False), ('outside_id', None)), _connector='OR'), name='rater_erased_is_nobody'), models.CheckConstraint(condition=models.Q(models.Q(('excluded_at', None), ('exclusion', '')), models.Q(('excluded_at__isnull', False), models.Q(('exclusion', ''), _negated=True)), _connector='OR'), name='rater_excluded_for_a_reason'), models.CheckConstraint(condition=models.Q(('replaced', False), ('excluded_at__isnull', False), _connector='OR'), name='rater_replaced_is_left_out'), models.CheckConstraint(condition=models.Q(('completion_code', ''), _negated=True), name='rater_completion_code_not_empty'), models.UniqueConstraint(fields=('campaign', 'outside_id'), name='rater_outside_id_once'), models.CheckConstraint(condition=models.Q(('outside_id', ''), _negated=True), name='rater_outside_id_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.CharField(help_text='of the campaign when it was made (`campaign_revision`)', max_length=64)),
                ('look', models.PositiveSmallIntegerField(blank=True, help_text='which of the declared looks it is; empty after the close, or looked at early', null=True)),
                ('content', models.BinaryField(help_text='the report as JSON, UTF-8')),
                ('sha256', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='annotations.campaign')),
            ],
            options={
                'indexes': [models.Index(fields=['campaign', 'revision'], name='report_by_revision')],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'sha256'), name='report_once'), models.UniqueConstraint(condition=models.Q(('look__isnull', False)), fields=('campaign', 'look'), name='report_look_once')],
            },
        ),
        migrations.CreateModel(
            name='Score',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('metric', models.CharField(max_length=40)),
                ('signature', models.CharField(max_length=300)),
                ('value', models.FloatField()),
                ('ci_low', models.FloatField(blank=True, null=True)),
                ('ci_high', models.FloatField(blank=True, null=True)),
                ('by_item', models.JSONField(blank=True, help_text="of each text, by its item's position, null where it has none", null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('campaign', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='scores', to='annotations.campaign')),
                ('decoding', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scores', to='annotations.decoding')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('signature', ''), _negated=True), name='score_has_signature'), models.CheckConstraint(condition=models.Q(('campaign__isnull', False), ('by_item', None), _connector='OR'), name='score_by_item_of_campaign'), models.UniqueConstraint(condition=models.Q(('campaign', None)), fields=('decoding', 'metric', 'signature'), name='score_of_decoding_once'), models.UniqueConstraint(condition=models.Q(('campaign__isnull', False)), fields=('decoding', 'campaign', 'metric', 'signature'), name='score_in_campaign_once')],
            },
        ),
        migrations.CreateModel(
            name='ScoreDifference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('metric', models.CharField(max_length=40)),
                ('signature', models.CharField(max_length=300)),
                ('value', models.FloatField()),
                ('ci_low', models.FloatField(blank=True, null=True)),
                ('ci_high', models.FloatField(blank=True, null=True)),
                ('p', models.FloatField(blank=True, help_text='two-sided', null=True)),
                ('p_sacrebleu', models.FloatField(blank=True, help_text='as sacrebleu prints it, nearly one-sided', null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='score_differences', to='annotations.campaign')),
                ('one', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.decoding')),
                ('other', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.decoding')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('signature', ''), _negated=True), name='score_difference_has_signature'), models.UniqueConstraint(fields=('campaign', 'metric', 'one', 'other'), name='score_difference_once')],
            },
        ),
        migrations.CreateModel(
            name='CampaignSystem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('campaign', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='annotations.campaign')),
                ('decoding', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='annotations.decoding')),
                ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='annotations.system')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('campaign', 'system'), name='campaign_system_once')],
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('caption', 'Caption'), ('photo', 'Photo'), ('sequence', 'Sequence')], max_length=8)),
                ('key', models.CharField(max_length=500)),
                ('position', models.PositiveSmallIntegerField(default=0, help_text='place of the photo in the described sequence')),
                ('text', models.TextField(blank=True, help_text='the caption; empty for a photo or a sequence')),
                ('album', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='annotations.album')),
                ('imported_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.import')),
                ('photo', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='annotations.photo')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('album', 'kind', 'key'), name='source_once'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'caption'), ('photo__isnull', False), models.Q(('text', ''), _negated=True)), models.Q(('kind', 'photo'), ('photo__isnull', False), ('text', '')), models.Q(('kind', 'sequence'), ('photo', None), ('text', '')), _connector='OR'), name='source_fits_kind')],
            },
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('regular', 'Regular'), ('repeat', 'planned repeat'), ('control', 'quality control')], default='regular', max_length=7)),
                ('position', models.PositiveIntegerField(help_text="in the campaign's seeded order")),
                ('taken', models.PositiveSmallIntegerField(default=0, help_text='assignments open or done, but places given back')),
                ('turn', models.PositiveBigIntegerField(db_default=0, default=0, help_text='0: by its position; where a place came back, behind all that were there: the newest assignment then')),
                ('campaign', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='annotations.campaign')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='annotations.source')),
            ],
            options={
                'indexes': [models.Index(fields=['campaign', 'taken', 'turn', 'position'], name='item_by_turn'), models.Index(condition=models.Q(('turn__gt', 0)), fields=['campaign', 'turn', 'taken', 'position'], name='item_that_came_back')],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'position'), name='item_position_once'), models.UniqueConstraint(condition=models.Q(('kind', 'regular')), fields=('campaign', 'source'), name='item_source_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['regular', 'repeat', 'control'])), name='item_kind_known')],
            },
        ),
        migrations.CreateModel(
            name='SequencePhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('photo', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.photo')),
                ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sequence_photos', to='annotations.source')),
            ],
            options={
                'ordering': ['position'],
                'constraints': [models.UniqueConstraint(fields=('source', 'position'), name='sequence_position_once')],
            },
        ),
        migrations.CreateModel(
            name='Story',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=200)),
                ('author', models.CharField(blank=True, help_text="the dataset's pseudonym of who wrote it", max_length=100)),
                ('album', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='stories', to='annotations.album')),
                ('imported_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.import')),
                ('sequence', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='stories', to='annotations.source')),
            ],
            options={
                'verbose_name_plural': 'stories',
                'constraints': [models.UniqueConstraint(fields=('album', 'external_id'), name='story_once')],
            },
        ),
        migrations.CreateModel(
            name='Candidate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('text', models.TextField()),
                ('digest', annotations.fields.DigestField('text', editable=False, help_text='SHA-256 of the text, which is once in an item')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='candidates', to='annotations.item')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('item', 'digest'), name='candidate_text_once')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outside_id', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='annotations.campaign')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('campaign', 'outside_id'), name='invitation_once'), models.CheckConstraint(condition=models.Q(('outside_id', ''), _negated=True), name='invitation_outside_id_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='ErasedId',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text="SHA-256 of the signature that the id's personal link carries", max_length=64)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='erased_ids', to='annotations.campaign')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('campaign', 'digest'), name='erased_id_once')],
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('state', models.CharField(choices=[('open', 'Open'), ('done', 'Done'), ('skipped', 'Skipped'), ('released', 'given back unanswered')], default='open', max_length=8)),
                ('candidate_order', models.JSONField(help_text='[primary key, random id] of each candidate, as this rater sees them')),
                ('shown', models.TextField(db_default='', default='', help_text='the decodings by place, as `shown_as` writes them; empty: not known')),
                ('place_given_back', models.BooleanField(db_default=False, default=False, help_text='its rater is left out, and another may rate the item instead')),
                ('draft', models.JSONField(default=dict, help_text="half an answer, as the page's fields had it")),
                ('seconds_spent', models.FloatField(db_default=0.0, default=0, help_text='that the rater has looked at the screen, over all visits; it only grows')),
                ('so_far', models.JSONField(editable=False, help_text="what was known of the rater's screens when it was claimed (`SoFar`); empty: to be counted anew", null=True)),
                ('leased_until', models.DateTimeField()),
                ('revision', models.PositiveSmallIntegerField(default=0, help_text='of its newest rating; 0 before there is one')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='annotations.item')),
                ('rater', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='annotations.rater')),
            ],
            options={
                'indexes': [models.Index(models.F('leased_until'), condition=models.Q(('state', 'open')), name='assignment_by_lease'), models.Index(fields=['rater', 'state'], name='assignment_by_rater')],
                'constraints': [models.UniqueConstraint(fields=('item', 'rater'), name='assignment_item_once_a_rater'), models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('rater',), name='assignment_one_open_a_rater'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'done', 'skipped', 'released'])), name='assignment_state_known'), models.CheckConstraint(condition=models.Q(('seconds_spent__gte', 0)), name='assignment_seconds_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='StorySentence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('text', models.TextField()),
                ('photo', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sentences', to='annotations.photo')),
                ('story', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sentences', to='annotations.story')),
            ],
            options={
                'ordering': ['story', 'position'],
                'constraints': [models.UniqueConstraint(fields=('story', 'position'), name='story_position_once'), models.CheckConstraint(condition=models.Q(('position__gte', 0)), name='story_position_not_negative'), models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='story_sentence_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='Output',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField(default=0)),
                ('text', models.TextField(blank=True)),
                ('logprob', models.FloatField(blank=True, help_text='sum over tokens, nats', null=True)),
                ('decoding', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='outputs', to='annotations.decoding')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outputs', to='annotations.source')),
                ('sentence', models.ForeignKey(blank=True, help_text='the reference it quotes', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='annotations.storysentence')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('decoding', 'source', 'rank'), name='output_once')],
            },
        ),
        migrations.CreateModel(
            name='Rating',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveSmallIntegerField()),
                ('kind', models.CharField(choices=[('answer', 'Answer'), ('skip', 'Skip'), ('withdrawn', 'Withdrawn')], max_length=9)),
                ('answers', models.JSONField(default=dict, help_text='by criterion, as the protocol says; candidates by primary key')),
                ('seconds', models.FloatField(blank=True, help_text='that the rater looked at the screen, over all visits; empty: not known', null=True)),
                ('key', models.UUIDField(help_text="the client's idempotency key", unique=True)),
                ('body_hash', models.CharField(help_text='SHA-256 of what was sent with the key', max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('assignment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='ratings', to='annotations.assignment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('assignment', 'revision'), name='rating_revision_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['answer', 'skip', 'withdrawn'])), name='rating_kind_known'), models.CheckConstraint(condition=models.Q(('revision__gte', 1)), name='rating_revision_from_one'), models.CheckConstraint(condition=models.Q(('seconds', None), ('seconds__gte', 0), _connector='OR'), name='rating_seconds_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='FeedbackExample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('z', models.FloatField(help_text='mean over its ratings of the shrunk per-rater z')),
                ('weight', models.FloatField()),
                ('candidate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='annotations.candidate')),
                ('feedback_set', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='examples', to='annotations.feedbackset')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='annotations.source')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('feedback_set', 'candidate'), name='feedback_candidate_once'), models.CheckConstraint(condition=models.Q(('weight__gt', 0)), name='feedback_weight_positive')],
            },
        ),
        migrations.CreateModel(
            name='CandidateOutput',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('candidate', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='shown_outputs', to='annotations.candidate')),
                ('output', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shown_as', to='annotations.output')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('candidate', 'output'), name='candidate_output_once')],
            },
        ),
        migrations.CreateModel(
            name='Remark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('cannot_judge', 'cannot judge'), ('wrong', 'something is wrong with the screen')], max_length=12)),
                ('comment', models.TextField(blank=True)),
                ('rating', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='remark', to='annotations.rating')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('reason__in', ['cannot_judge', 'wrong'])), name='remark_reason_known')],
            },
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('kind', models.CharField(choices=[('login', 'logged in'), ('login_failed', 'failed to log in'), ('logout', 'logged out'), ('account', 'changed an account'), ('password', 'set a password'), ('run_launch', 'launched a run'), ('run_cancel', 'cancelled a run'), ('run_retry', 'retried a run'), ('prune', "removed a checkpoint's files"), ('remove', 'removed data'), ('campaign_create', 'made a campaign'), ('campaign_change', 'changed a campaign'), ('campaign_close', 'closed a campaign'), ('campaign_delete', 'deleted a draft'), ('link', 'made links'), ('exclude', 'left a rater out'), ('readmit', 'took a rater in again'), ('erase', 'erased a rater'), ('export', 'exported'), ('unblind', 'looked before the close'), ('backup', 'made a backup'), ('restore', 'restored a backup')], max_length=15)),
                ('person', models.CharField(blank=True, help_text="an account, or the system's user; empty: not known", max_length=150)),
                ('shell', models.BooleanField(default=False, help_text='by a command, not on a page')),
                ('address', models.GenericIPAddressField(help_text="of the person's browser, or where their shell came from", null=True)),
                ('about', models.CharField(blank=True, help_text='what it was done to', max_length=200)),
                ('detail', models.CharField(blank=True, max_length=300)),
            ],
            options={
                'verbose_name': 'entry of the audit log',
                'verbose_name_plural': 'audit log',
                'indexes': [models.Index(fields=['at'], name='audit_by_time')],
            },
        ),
        migrations.AddField(
            model_name='candidate',
            name='outputs',
            field=models.ManyToManyField(related_name='candidates', through='annotations.CandidateOutput', to='annotations.output'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='systems',
            field=models.ManyToManyField(through='annotations.CampaignSystem', to='annotations.system'),
        ),
        migrations.AddField(
            model_name='FeedbackSet',
            name='campaigns',
            field=models.ManyToManyField(related_name='feedback_sets', to='annotations.campaign'),
        ),
        migrations.AddField(
            model_name='FeedbackExample',
            name='ratings',
            field=models.ManyToManyField(related_name='examples', to='annotations.rating'),
        ),
    ]
